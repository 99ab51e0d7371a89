"""Company: who carries parcels, under our short code, with the names and codes that others know it by.

Other codes are those of Kuaidi100 (its published list of companies), KDNiao and AfterShip, and what buyers write. Companies that
sell under several names stand under one code where they number from one pool.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Company:
    """One carrier. ``tail``: it answers only who tells the last four digits of the sender's or receiver's phone.

    ``post``: it carries numbers by S10, its own and those of other posts. ``pool``: the code under which its numbers are unique.
    """

    code: str
    zh: str
    en: str
    aliases: tuple[str, ...] = ()
    tail: bool = False
    post: bool = False
    pool: str = ""


def _c(code: str, zh: str, en: str, aliases: str = "", *, tail: bool = False, post: bool = False, pool: str = "") -> Company:
    return Company(code, zh, en, tuple(aliases.split()), tail, post, pool or code)


#: Inside China. Kuaidi100 asks for a phone with SF and ZTO (api.kuaidi100.com, query, read 2026-11).
CHINESE = (
    _c("sf", "顺丰速运", "SF Express", "shunfeng 顺丰 顺丰快运 shunfengkuaiyun sfexpress sfky sfb2c", tail=True),
    _c("yto", "圆通速递", "YTO Express", "yuantong 圆通"),
    _c("zto", "中通快递", "ZTO Express", "zhongtong 中通", tail=True),
    _c("sto", "申通快递", "STO Express", "shentong 申通"),
    _c("yunda", "韵达快递", "Yunda Express", "韵达 韵达速递 yd ydex yundaexpress"),
    _c("jt", "极兔速递", "J&T Express", "jtexpress 极兔 jitu jtsd"),
    _c("jd", "京东物流", "JD Logistics", "jingdong 京东 京东快递 京东快运 jingdongkuaiyun jdl jdwl jdky"),
    _c(
        "ems",
        "邮政EMS",
        "China EMS",
        "emsbg emsguoji 中国邮政速递 中国邮政速递物流 邮政特快 特快专递 chinaems",
        post=True,
        pool="post",
    ),
    _c(
        "post",
        "邮政快递包裹",
        "China Post",
        "youzhengguonei youzhengguoji youzhengbk postb yzpy yzbk yzgn chinapost "
        "邮政 中国邮政 邮政快递 邮政国内 邮政小包 邮政包裹 国内邮政",
        post=True,
    ),
    _c("best", "百世快递", "Best Express", "huitongkuaidi 百世 百世汇通 汇通 汇通快递 htky bestexpress"),
    _c("bestky", "百世快运", "Best Freight", "baishiwuliu btwl bsky"),
    _c("deppon", "德邦快递", "Deppon", "debangkuaidi debangwuliu 德邦 德邦快运 德邦物流 dbl dbkd depponexpress"),
    _c("ztoky", "中通快运", "ZTO Freight", "zhongtongkuaiyun"),
    _c("yundaky", "韵达快运", "Yunda Freight", "yundakuaiyun"),
    _c("ane", "安能物流", "ANE Logistics", "annengwuliu 安能 安能快运 安能快递 anenergy"),
    _c("yimi", "壹米滴答", "Yimidida", "yimidida ymdd"),
    _c("kye", "跨越速运", "KYE Express", "kuayue 跨越 kysy kyexpress"),
    _c("jgsd", "京广速递", "Kingkong Express", "jinguangsudikuaijian 京广 kke"),
    _c("uc", "优速快递", "UC Express", "youshuwuliu 优速 优速物流 ucexpress"),
    _c("fengwang", "丰网速运", "Fengwang", "fengwang fwx 丰网"),
    _c("cainiao", "菜鸟速递", "Cainiao", "danniao 丹鸟 丹鸟物流 菜鸟 菜鸟直送 菜鸟裹裹 cainiaozhisong cnex danniaowl"),
    _c("zjs", "宅急送", "ZJS Express", "zhaijisong"),
    _c("ttk", "天天快递", "TTK Express", "tiantian ttkdex hhtt 天天"),
    _c("gto", "国通快递", "GTO Express", "guotongkuaidi 国通"),
    _c("suning", "苏宁物流", "Suning Logistics", "suning snwl 苏宁 苏宁快递"),
    _c("rrs", "日日顺物流", "RRS Logistics", "rrs 日日顺 haierwuliu 海尔物流"),
    _c("sxjd", "顺心捷达", "Shunxin Jieda", "sxjdfreight"),
    _c("jtky", "极兔快运", "J&T Freight", "jtkuaiyun"),
    _c("zhongyou", "众邮快递", "Zhongyou Express", "zhongyouex zyex 众邮"),
    _c("xfexpress", "信丰物流", "Xinfeng", "xinfengwuliu xfex 信丰"),
    _c("annto", "安得物流", "Annto Logistics", "andewuliu 安得 安得智联 adzl"),
)

#: Across borders and abroad.
FOREIGN = (
    _c("s10", "国际邮件", "Postal item (UPU S10)", "upu", post=True),
    _c("dhl", "DHL", "DHL", "dhlen dhlde dhlexpress dhlecommerce 敦豪"),
    _c("ups", "UPS", "UPS", "upsen upsus 联合包裹"),
    _c("fedex", "FedEx", "FedEx", "fedexus fedexcn lianbangkuaidi lianbangkuaidien 联邦 联邦快递 tnt tnten"),
    _c("usps", "美国邮政", "USPS", "unitedstatespostalservice", post=True),
    _c("royalmail", "英国皇家邮政", "Royal Mail", "royalmailgroup parcelforce parcelforceworldwide", post=True),
    _c("canadapost", "加拿大邮政", "Canada Post", "canpost canadaposte postescanada", post=True),
    _c("deutschepost", "德国邮政", "Deutsche Post", "deutschepostmail germanpost", post=True),
    _c("japanpost", "日本邮政", "Japan Post", "japanposten jppost", post=True),
    _c("hongkongpost", "香港邮政", "Hongkong Post", "hkpost youzhenghk", post=True),
    _c("singpost", "新加坡邮政", "Singapore Post", "singaporepost", post=True),
    _c("auspost", "澳大利亚邮政", "Australia Post", "australiapost", post=True),
    _c("koreapost", "韩国邮政", "Korea Post", "", post=True),
    _c("laposte", "法国邮政", "La Poste", "colissimo", post=True),
    _c("postnl", "荷兰邮政", "PostNL", "postnlinternational", post=True),
    _c("russianpost", "俄罗斯邮政", "Russian Post", "pochta", post=True),
    _c("dpd", "DPD", "DPD", "dpduk dpdde dpdgermany"),
    _c("amazon", "亚马逊物流", "Amazon Logistics", "amazonlogistics amazonus amazonshipping"),
    _c("ontrac", "OnTrac", "OnTrac"),
    _c("lasership", "LaserShip", "LaserShip"),
    _c("landmark", "Landmark Global", "Landmark Global", "landmarkgloballtn landmarkglobal"),
    _c("olddominion", "Old Dominion", "Old Dominion Freight Line", "odfl"),
    _c("purolator", "Purolator", "Purolator"),
    _c("canpar", "Canpar", "Canpar"),
    _c("speedee", "Spee-Dee", "Spee-Dee Delivery", "speedeedelivery"),
    _c("gofo", "GOFO", "GOFO Express", "gofoexpress cirro cirroparcel"),
    _c("yodel", "Yodel", "Yodel"),
    _c("yunexpress", "云途物流", "YunExpress", "yuntu 云途 yuntuwuliu"),
    _c("yanwen", "燕文物流", "Yanwen", "yanwenjiaotong 燕文 yw"),
    _c("4px", "递四方", "4PX", "disifang fourpx 4pxexpress"),
)

COMPANIES = {company.code: company for company in (*CHINESE, *FOREIGN)}

#: The longest name that is looked at.
LONGEST = 60

#: What buyers put behind a name, or leave out.
_ENDINGS = ("有限公司", "公司", "速运", "快递", "速递", "物流", "快运", "express", "logistics")


def company_of(said: str) -> Company | None:
    """The company that a code, alias or name means, however it is written; None for one that is not known."""
    known, folded = _known(), _folded(said[:LONGEST])
    found = known.get(folded)
    while found is None:
        shorter = next((folded.removesuffix(end) for end in _ENDINGS if folded.endswith(end) and folded != end), "")
        if not shorter:
            return None
        folded, found = shorter, known.get(shorter)
    return found


@cache
def _known() -> dict[str, Company]:
    """Every spelling; a company's own code comes before another's alias."""
    known: dict[str, Company] = {}
    for company in COMPANIES.values():
        for name in (company.zh, company.en, *company.aliases):
            known.setdefault(_folded(name), company)
    return known | {_folded(code): company for code, company in COMPANIES.items()}


def _folded(said: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", said).casefold() if c.isalnum())
