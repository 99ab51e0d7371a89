"""Places: what addresses and carriers' sentences tell, and which cities are near each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftersales.atlas import atlas, short
from aftersales.place import Place, city_of, near, place_of, same, same_district

ISLANDS = {"三沙市", "澎湖县"}


# --- what a text tells -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "province", "city", "district"),
    [
        # addresses
        ("广东省深圳市南山区科技园营业部", "广东省", "深圳市", "南山区"),
        ("浙江省杭州市余杭区文一西路969号3幢2单元501", "浙江省", "杭州市", "余杭区"),
        ("浙江 杭州 余杭", "浙江省", "杭州市", "余杭区"),
        ("杭州余杭区五常街道", "浙江省", "杭州市", "余杭区"),
        ("江苏省苏州市昆山市玉山镇人民路1号", "江苏省", "苏州市", "昆山市"),
        ("江苏昆山花桥", "江苏省", "苏州市", "昆山市"),
        ("江苏昆山市花桥镇", "江苏省", "苏州市", "昆山市"),
        ("义乌市稠城街道", "浙江省", "金华市", "义乌市"),
        ("河北省石家庄市赵县", "河北省", "石家庄市", "赵县"),
        ("安徽省寿县寿春镇", "安徽省", "淮南市", "寿县"),
        ("绍兴县柯桥", "浙江省", "绍兴市", ""),
        ("余杭区文一西路969号", "浙江省", "杭州市", "余杭区"),
        ("上海市浦东新区南京东路100号", "上海市", "上海市", "浦东新区"),
        ("上海市 上海市 浦东新区", "上海市", "上海市", "浦东新区"),
        ("重庆市渝北区", "重庆市", "重庆市", "渝北区"),
        ("天津滨海新区第三大街", "天津市", "天津市", "滨海新区"),
        ("北京朝阳区建国路88号", "北京市", "北京市", "朝阳区"),
        ("朝阳区建国路88号,北京", "北京市", "北京市", "朝阳区"),
        ("吉林省长春市朝阳区", "吉林省", "长春市", "朝阳区"),
        ("辽宁省朝阳市双塔区", "辽宁省", "朝阳市", "双塔区"),
        ("广东省东莞市东莞大道11号", "广东省", "东莞市", ""),
        ("广东省中山市石岐街道", "广东省", "中山市", ""),
        ("内蒙古锡林郭勒盟锡林浩特市", "内蒙古自治区", "锡林郭勒盟", "锡林浩特市"),
        ("新疆维吾尔自治区巴音郭楞蒙古自治州库尔勒市", "新疆维吾尔自治区", "巴音郭楞蒙古自治州", "库尔勒市"),
        ("新疆伊犁州伊宁市", "新疆维吾尔自治区", "伊犁哈萨克自治州", "伊宁市"),
        ("新疆石河子市北泉镇", "新疆维吾尔自治区", "石河子市", ""),
        ("云南省大理州大理市下关", "云南省", "大理白族自治州", "大理市"),
        ("贵州黔东南州凯里市", "贵州省", "黔东南苗族侗族自治州", "凯里市"),
        ("湖北省仙桃市", "湖北省", "仙桃市", ""),
        ("湖北神农架林区松柏镇", "湖北省", "神农架林区", ""),
        ("河南省济源市", "河南省", "济源市", ""),
        ("海南省东方市八所镇", "海南省", "东方市", ""),
        ("海南省海口市龙华区", "海南省", "海口市", "龙华区"),
        ("青海省海南州共和县", "青海省", "海南藏族自治州", "共和县"),
        ("西藏阿里地区噶尔县", "西藏自治区", "阿里地区", "噶尔县"),
        ("黑龙江省大兴安岭地区漠河市", "黑龙江省", "大兴安岭地区", "漠河市"),
        ("香港九龙旺角", "香港特别行政区", "香港特别行政区", ""),
        ("台湾省台北市", "台湾省", "台北市", ""),
        # only a part, or several at once
        ("浙江省", "浙江省", "", ""),
        ("吉林", "吉林省", "", ""),
        ("吉林市", "吉林省", "吉林市", ""),
        ("海南", "海南省", "", ""),
        ("朝阳区", "", "", ""),
        ("鼓楼区中山路", "", "", ""),
        ("江苏省鼓楼区", "江苏省", "", ""),
        ("中山路12号", "", "", ""),
        ("阿里巴巴西溪园区", "", "", ""),
        ("", "", "", ""),
        ("广东顺德", "广东省", "佛山市", "顺德区"),
        ("江苏武进", "江苏省", "常州市", "武进区"),
        ("广东 增城市 新塘镇", "广东省", "广州市", "增城区"),
        ("北京朝阳", "北京市", "北京市", "朝阳区"),
        ("吉林朝阳", "吉林省", "长春市", "朝阳区"),
        ("云南大理", "云南省", "大理白族自治州", ""),
        ("新疆伊宁", "新疆维吾尔自治区", "伊犁哈萨克自治州", ""),
        ("湖南长沙县", "湖南省", "长沙市", "长沙县"),
        ("广西来宾", "广西壮族自治区", "来宾市", ""),
        ("安康", "陕西省", "安康市", ""),
        # what was renamed, and what is no district
        ("湖北襄樊", "湖北省", "襄阳市", ""),
        ("莱芜市", "山东省", "济南市", ""),
        ("河北雄安新区", "河北省", "保定市", ""),
        # words that are names elsewhere
        ("来宾签收", "", "", ""),
        ("祝您安康", "", "", ""),
        ("白杨街道", "", "", ""),
        ("甘肃合作网点", "甘肃省", "", ""),
        ("甘肃甘南合作市", "甘肃省", "甘南藏族自治州", "合作市"),
        # streets that are called after cities
        ("南京西路1266号,上海", "上海市", "上海市", ""),
        ("北京路 广州市越秀区", "广东省", "广州市", "越秀区"),
        ("武汉中山公园", "湖北省", "武汉市", ""),
        # sentences of carriers
        ("【杭州市】快件已到达 杭州转运中心", "浙江省", "杭州市", ""),
        ("快件到达【石家庄转运中心】", "河北省", "石家庄市", ""),
        ("【义乌】 已离开 义乌分拨中心 发往 上海", "浙江省", "金华市", "义乌市"),
        ("快件离开昆山转运中心", "江苏省", "苏州市", "昆山市"),
        ("上海分拨中心已发出,下一站南京", "上海市", "上海市", ""),
        ("到达合作网点", "", "", ""),
        ("已签收,签收人凭取货码签收", "", "", ""),
        ("[深圳市] [深圳宝安集散中心]快件已到达", "广东省", "深圳市", "宝安区"),
        ("【佛山市】广东佛山顺德公司 已收件", "广东省", "佛山市", "顺德区"),
        ("顺丰速运 已收取快件", "", "", ""),
        # letters
        ("Hangzhou", "浙江省", "杭州市", ""),
        ("SHENZHEN", "广东省", "深圳市", ""),
        ("No. 5 Wensan Rd, Xihu District, Hangzhou City, Zhejiang Province", "浙江省", "杭州市", ""),
        ("Chaoyang District, Beijing", "北京市", "北京市", ""),
        ("Nanjing East Road, Shanghai", "上海市", "上海市", ""),
        ("Departed from Guangzhou, Guangdong", "广东省", "广州市", ""),
        ("Xi'an", "陕西省", "西安市", ""),
        ("Ürümqi", "新疆维吾尔自治区", "乌鲁木齐市", ""),
        ("Hong Kong", "香港特别行政区", "香港特别行政区", ""),
        ("Kunshan", "江苏省", "苏州市", ""),
        ("Ningbo Zhejiang China 315000", "浙江省", "宁波市", ""),
        ("Suzhou", "", "", ""),
        ("Suzhou, Jiangsu", "江苏省", "苏州市", ""),
        ("SUZHOU ANHUI", "安徽省", "宿州市", ""),
        ("Zhejiang", "浙江省", "", ""),
        ("Berlin, Germany", "", "", ""),
    ],
)
def test_a_text_tells_a_place_or_none(text: str, province: str, city: str, district: str) -> None:
    """Full names of what is told for certain; a name that several places have stays open."""
    assert place_of(text) == Place(province, city, district)
    assert city_of(text) == city


@pytest.mark.parametrize("city", sorted(atlas().cities))
def test_every_place_is_found_by_its_own_names(city: str) -> None:
    """By its full name, after its province, and as it is written in front of a district."""
    known = atlas().cities[city]
    assert place_of(city).city == city
    assert place_of(f"{known.province}{city}") == Place(known.province, city)
    for district in known.districts:
        assert place_of(f"{known.province}{city}{district}某某路1号") == Place(known.province, city, district)


def test_short_names_mean_what_the_full_ones_do() -> None:
    """All but those that are a province, a company or a word as well."""
    missed = {city for city in atlas().cities if city_of(short(city)) != city}
    assert missed == {"吉林市", "海南藏族自治州", "阿里地区", "兴安盟", "东方市", "新竹市", "新竹县", "嘉义市", "嘉义县"}


def test_every_region_of_the_country_is_there() -> None:
    """34 provinces; 333 prefecture-level places, four municipalities, 32 counties right below a province, two special regions."""
    by_province: dict[str, int] = {}
    for city in atlas().cities.values():
        by_province[city.province] = by_province.get(city.province, 0) + 1
    assert len(by_province) == 34
    assert (by_province["广东省"], by_province["四川省"], by_province["云南省"], by_province["西藏自治区"]) == (21, 21, 16, 7)
    assert {by_province[p] for p in ("北京市", "天津市", "上海市", "重庆市", "香港特别行政区", "澳门特别行政区")} == {1}
    assert sum(by_province.values()) - by_province["台湾省"] == 371
    assert sum(len(city.districts) for city in atlas().cities.values()) > 2800


# --- near and far ------------------------------------------------------------------------------------------------------
def test_neighbours_are_neighbours_of_each_other() -> None:
    """Borders go both ways, and nobody borders on itself."""
    for city, others in atlas().near.items():
        assert city not in others
        assert all(city in atlas().near[other] for other in others)


def test_every_place_has_a_neighbour_but_islands() -> None:
    """And nobody has more than fourteen."""
    counts = {city: len(others) for city, others in atlas().near.items()}
    assert {city for city, count in counts.items() if not count} == ISLANDS
    assert max(counts.values()) == 14


PAIRS = """
杭州 嘉兴|杭州 绍兴|杭州 黄山|上海 苏州|上海 嘉兴|上海 南通|苏州 无锡|苏州 湖州|南京 镇江|南京 滁州
南京 马鞍山|徐州 宿州|徐州 枣庄|广州 佛山|广州 东莞|广州 清远|深圳 东莞|深圳 惠州|深圳 香港
深圳 中山|珠海 澳门|珠海 中山|佛山 肇庆|汕头 潮州|汕头 揭阳|湛江 茂名|北京 廊坊|北京 天津|北京 保定
天津 唐山|石家庄 保定|石家庄 阳泉|济南 泰安|济南 德州|青岛 潍坊|青岛 烟台|威海 烟台|郑州 开封
郑州 洛阳|武汉 鄂州|武汉 孝感|武汉 黄冈|长沙 株洲|长沙 湘潭|长沙 岳阳|南昌 九江|合肥 六安|合肥 铜陵
合肥 淮南|淮南 六安|福州 莆田|厦门 漳州|厦门 泉州|成都 德阳|成都 眉山|成都 资阳|重庆 广安|重庆 遵义
重庆 恩施|昆明 曲靖|昆明 玉溪|贵阳 遵义|南宁 崇左|桂林 永州|西安 咸阳|西安 渭南|兰州 白银|西宁 海东
银川 吴忠|乌鲁木齐 昌吉|拉萨 山南|呼和浩特 包头|沈阳 抚顺|沈阳 辽阳|大连 营口|长春 吉林市|长春 四平
哈尔滨 绥化|海口 文昌|三亚 陵水|宁波 舟山|宁波 嘉兴|温州 宁德|上饶 衢州|九江 黄冈|安庆 九江
丽江 凉山|昭通 宜宾|汉中 广元|十堰 安康|赤峰 朝阳市|大同 张家口|运城 渭南|南阳 襄阳
"""
APART = """
杭州 苏州|杭州 北京|杭州 南京|上海 杭州|上海 无锡|上海 宁波|苏州 南京|广州 珠海|广州 香港|深圳 佛山
深圳 珠海|深圳 南昌|北京 石家庄|北京 唐山|天津 石家庄|郑州 西安|武汉 长沙|长沙 广州|成都 重庆
成都 绵阳|昆明 大理|南宁 桂林|西安 延安|兰州 西宁|乌鲁木齐 喀什|拉萨 成都|沈阳 大连|长春 沈阳
哈尔滨 沈阳|海口 三亚|海口 湛江|厦门 福州|厦门 台北市|济南 青岛|青岛 威海|合肥 南京|南昌 长沙
苏州 宿州|福州 抚州|台州 泰州|玉林 榆林
"""


@pytest.mark.parametrize("pair", [p for line in PAIRS.split("\n") for p in line.split("|") if p])
def test_known_neighbours_are_near(pair: str) -> None:
    """Whichever is named first."""
    one, other = pair.split()
    assert near(one, other) is near(other, one) is True
    assert same(one, other) is False


@pytest.mark.parametrize("pair", [p for line in APART.split("\n") for p in line.split("|") if p])
def test_known_distant_places_are_not_near(pair: str) -> None:
    """Also those that a train joins in an hour, and those that sound alike."""
    one, other = pair.split()
    assert near(one, other) is near(other, one) is False


def test_nobody_knows_how_far_the_unknown_is() -> None:
    """A province alone, a name that several have, and a foreign city are no reason against anybody."""
    for unknown in ("", "浙江省", "Suzhou", "Berlin", Place("浙江省"), Place()):
        assert near("杭州", unknown) is near(unknown, "杭州") is None
        assert same("杭州", unknown) is None
        assert same_district("杭州市余杭区", unknown) is None


def test_one_city_is_near_itself_however_it_is_written() -> None:
    """Words, letters and places are compared by what they mean."""
    for said in (
        "杭州",
        "杭州市",
        "Hangzhou",
        "浙江省杭州市西湖区",
        Place("浙江", "杭州"),
        Place(city="杭州市", district="余杭区"),
    ):
        assert near("杭州市", said) is same("杭州市", said) is True


def test_a_shop_may_name_further_neighbours() -> None:
    """Both ways, in any spelling, and for these two alone."""
    also = {"hangzhou": ["苏州市", "南京"]}
    assert near("苏州", "杭州", also) is near("杭州", "苏州", also) is True
    assert near("苏州", "南京", also) is False
    assert near("杭州", "不知道", also) is None


def test_districts_are_compared_where_both_are_known() -> None:
    """Another city is another district; one city and an untold district say nothing."""
    assert same_district("杭州市余杭区文一西路", "杭州余杭") is True
    assert same_district("杭州市余杭区", "杭州市西湖区") is False
    assert same_district("北京市朝阳区", "长春市朝阳区") is False
    assert same_district("杭州市余杭区", "杭州市") is None
    assert same_district("朝阳区", "北京市朝阳区") is None


@given(st.text() | st.text(alphabet="杭州市北京上海朝阳区路吉林海南省 【】,.ABCdefghijklmnop'-\ud800"))
def test_no_text_breaks_anything(text: str) -> None:
    """Whatever is said, a place comes out whose city lies in its province, and which means the same again."""
    found = place_of(text)
    if found.city:
        assert atlas().cities[found.city].province == found.province
        assert same(found, found.city) is True
    if found.district:
        assert found.district in atlas().cities[found.city].districts


@pytest.mark.parametrize("text", ["杭州" * 5_000, "a" * 10_000, "\udfff" * 10_000, "新" * 10_000, "Hong " * 3_000])
def test_long_texts_are_answered_at_once(text: str) -> None:
    """Only their beginning is looked at."""
    assert place_of(text).city in {"杭州市", ""}
