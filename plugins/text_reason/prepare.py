"""Text made comparable: width, case, script, digits and noise folded away; bounded, so that no length costs more than another."""

from __future__ import annotations

import re
import unicodedata

#: Characters read of a long text: a complaint is named early, and what a buyer wants stands at the end.
HEAD, TAIL = 400, 200

#: Common traditional characters of shop talk and their simplified ones: a rough map, not a dictionary.
_PAIRS = (
    "爛烂 壞坏 黴霉 蟲虫 鮮鲜 皺皱 脹胀 壓压 擠挤 傷伤 損损 裝装 變变 質质 餿馊 發发 貨货 錯错 單单 買买 賣卖 訂订 們们 個个 "
    "這这 還还 沒没 來来 從从 時时 間间 過过 給给 對对 說说 話话 電电 聯联 繫系 係系 絡络 復复 覆复 態态 務务 員员 運运 遞递 "
    "達达 遲迟 幾几 週周 點点 兩两 條条 隻只 顆颗 數数 輕轻 稱称 為为 與与 實实 際际 圖图 顏颜 顯显 寫写 標标 號号 碼码 樣样 "
    "寬宽 緊紧 長长 難难 會会 開开 關关 機机 鍵键 螢荧 線线 縫缝 織织 縮缩 壽寿 產产 製制 證证 書书 頁页 紙纸 盜盗 舊旧 換换 "
    "價价 錢钱 優优 動动 辦办 處处 決决 應应 當当 現现 見见 覺觉 讓让 認认 識识 請请 謝谢 麼么 嗎吗 誰谁 後后 裡里 裏里 頭头 "
    "髮发 癢痒 澀涩 鹹咸 鹽盐 飲饮 飯饭 雞鸡 魚鱼 蘋苹 葉叶 藥药 類类 種种 廠厂 廣广 業业 東东 車车 門门 樓楼 腳脚 褲裤 襪袜 "
    "絲丝 鏈链 鈕钮 釦扣 鬆松 斷断 響响 聲声 訊讯 網网 戶户 帳账 賬账 環环 補补 貼贴 贈赠 禮礼 漲涨 減减 滿满 無无 邊边 壺壶 "
    "噴喷 溫温 熱热 凍冻 淨净 潔洁 險险 護护 殼壳 濕湿 乾干 餘余 歡欢 愛爱 氣气 極极 樂乐 飛飞 進进 遠远 選选 適适 連连 輸输 "
    "轉转 較较 載载 軟软 鋼钢 鐵铁 銀银 鎖锁 鍋锅 鏡镜 隨随 雖虽 雙双 離离 麵面 齊齐 龍龙 觸触 亂乱 偽伪 驗验 騙骗 虛虚 誇夸 "
    "張张 導导 詐诈 純纯 組组 結结 經经 絕绝 統统 繼继 續续 維维 總总 衝冲 術术 規规 視视 設设 許许 詢询 評评 試试 該该 語语 "
    "誤误 課课 調调 談谈 論论 諾诺 講讲 譯译 貴贵 費费 賠赔 賴赖 購购 趕赶 蹤踪 農农 邏逻 郵邮 醜丑 釋释 鈍钝 錄录 閃闪 陳陈 "
    "陰阴 階阶 預预 題题 願愿 額额 頻频 顧顾 風风 飽饱 馬马 驚惊 體体 髒脏 鬧闹 齡龄"
)
SIMPLIFIED = str.maketrans({pair[0]: pair[1] for pair in _PAIRS.split()})

_DIGITS = re.compile(r"\d+")
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff]+")
_AGAIN = re.compile(r"(.)\1{2,}")


def prepare(text: str) -> str:
    """The text as it is read: at most 601 characters, simplified, small letters, every number as one 0, no control characters."""
    if len(text) > 4 * (HEAD + TAIL):  # folding may make a text shorter, never this much
        text = text[: 2 * HEAD] + "\n" + text[-2 * TAIL :]
    folded = unicodedata.normalize("NFKC", text).lower().translate(SIMPLIFIED)
    plain = _AGAIN.sub(r"\1\1", _DIGITS.sub("0", _BLANK.sub(" ", folded))).strip()
    return plain if len(plain) <= HEAD + TAIL else plain[:HEAD] + " " + plain[-TAIL:]


def english_share(prepared: str) -> float | None:
    """How much of the text is English, in [0, 1]; None when it has no letters at all.

    A Chinese character says as much as three Latin letters; a few foreign words make no text a mixed one.
    """
    chinese = 3 * sum("一" <= c <= "鿿" for c in prepared)
    latin = sum("a" <= c <= "z" for c in prepared)
    if not chinese + latin:
        return None
    share = latin / (chinese + latin)
    return 0.0 if share < 0.25 else 1.0 if share > 0.75 else share
