"""Bills as channels write them, for tests: rows given by what they are about, everything else as it usually is."""

import gzip
import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping

YUAN = re.compile(r"\d+(\.\d+)?", re.ASCII)


def columns(text: str) -> list[str]:
    """A header's names."""
    return text.split(",")


WECHAT_REFUND = columns(
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,"
    "代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
WECHAT_ALL = [name for name in WECHAT_REFUND if name not in ("退款申请时间", "退款成功时间")]
WECHAT_OLD = columns(
    "交易时间,公众账号ID,商户号,子商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,总金额,"
    "企业红包金额,微信退款单号,商户退款单号,退款金额,企业红包退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率"
)
WECHAT_SUMMARY = {
    "总交易单数": "rows",
    "应结订单总金额": "0.00",
    "退款总金额": "退款金额",
    "充值券退款总金额": "充值券退款金额",
    "手续费总金额": "0.00000",
    "订单总金额": "0.00",
    "申请退款总金额": "申请退款金额",
}
WECHAT_OLD_SUMMARY = {
    "总交易单数": "rows",
    "总交易额": "0.00",
    "总退款金额": "退款金额",
    "总企业红包退款金额": "企业红包退款金额",
    "手续费总金额": "0.00000",
}
ALIPAY = columns(
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,"
    "卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
ALIPAY_SUMMARY = (
    "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,商家优惠（元）,"
    "卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）"
)


def wechat_refund(key: str = "R1", amount: str = "12.34", **cells: str) -> dict[str, str]:
    """A refund; ``cells`` by the names of the columns."""
    usual = {
        "交易时间": "2026-10-02 10:00:00",
        "微信订单号": "4200000000202610020000000001",
        "商户订单号": "P1",
        "交易类型": "JSAPI",
        "交易状态": "REFUND",
        "付款银行": "OTHERS",
        "货币种类": "CNY",
        "退款申请时间": "2026-10-02 10:00:00",
        "微信退款单号": f"503{key}",
        "退款状态": "SUCCESS",
        "商品名称": "台灯",
        "手续费": "0.00000",
        "费率": "0.60%",
    }
    zero = dict.fromkeys(
        ("应结订单金额", "代金券金额", "充值券退款金额", "订单金额", "总金额", "企业红包金额", "企业红包退款金额"), "0.00"
    )
    return zero | usual | {"商户退款单号": key, "退款金额": amount, "申请退款金额": amount} | cells


def wechat_payment(amount: str = "50.00", **cells: str) -> dict[str, str]:
    """A payment, as the bill of type ALL has them."""
    nothing = {"退款状态": "", "微信退款单号": "0", "退款申请时间": ""}
    paid = {"交易状态": "SUCCESS", "订单金额": amount, "应结订单金额": amount, "总金额": amount}
    return wechat_refund("0", "0.00") | nothing | paid | cells


def wechat_bill(
    rows: Iterable[Mapping[str, str]],
    header: list[str] = WECHAT_REFUND,
    *,
    bom: bool = True,
    end: str = "\r\n",
    said: Mapping[str, str] | None = None,
) -> bytes:
    """The file: header, rows, summary. ``said`` overwrites figures of the summary."""
    rows = list(rows)
    columns = WECHAT_OLD_SUMMARY if header is WECHAT_OLD else WECHAT_SUMMARY
    sums = {name: _sum(rows, of) if not of[0].isdigit() else of for name, of in columns.items()}
    sums |= {"总交易单数": str(len(rows))} | dict(said or {})
    lines = [",".join(header), *(",".join("`" + row.get(name, "") for name in header) for row in rows)]
    lines += [",".join(sums), ",".join("`" + figure for figure in sums.values())]
    return ("\ufeff" * bom + end.join(lines) + end).encode()


def _sum(rows: list[Mapping[str, str]], column: str) -> str:
    minor = sum(round(float(row[column]) * 100) for row in rows if YUAN.fullmatch(row.get(column, "")))
    return f"{minor // 100}.{minor % 100:02d}"


def alipay_refund(key: str = "R1", amount: str = "-12.34", **cells: str) -> dict[str, str]:
    """A refund; ``cells`` by the names of the columns, without their units."""
    usual = {
        "支付宝交易号": "2026100222001400000000000001\t",
        "商户订单号": "P1\t",
        "业务类型": "退款",
        "商品名称": "台灯",
        "创建时间": "2026-09-30 12:00:00",
        "完成时间": "2026-10-02 10:00:00",
        "对方账户": "buy***@example.com",
        "退款批次号/请求号": f"{key}\t",
    }
    return usual | {"订单金额": amount, "商家实收": amount} | cells


def alipay_payment(amount: str = "50.00", **cells: str) -> dict[str, str]:
    """A payment."""
    return alipay_refund("", amount, 业务类型="交易") | cells


def alipay_detail(rows: Iterable[Mapping[str, str]], *, footer: bool = True, refunds: str | None = None) -> str:
    """The detail file: comment lines, header, rows, and the lines that sum up. ``refunds`` overwrites the count of refunds."""
    rows = list(rows)
    back = [row for row in rows if row["业务类型"] == "退款"]
    got = sum(round(float(row["商家实收"]) * 100) for row in back) / 100
    lines = ["#支付宝业务明细查询", "#账号：[20880000000000000156]", "#" + "-" * 20 + "业务明细列表" + "-" * 20, ",".join(ALIPAY)]
    lines += [",".join(row.get(name.removesuffix("（元）"), "") for name in ALIPAY) for row in rows]
    if footer:
        lines += ["#" + "-" * 20 + "业务明细列表结束" + "-" * 20, f"#交易合计：{len(rows) - len(back)}笔，商家实收共0.00元"]
        lines += [
            f"#退款合计：{refunds or len(back)}笔，商家实收退款共{got:.2f}元，商家优惠退款共0.00元",
            "#导出时间：[2026年10月03日]",
        ]
    return "\r\n".join(lines) + "\r\n"


def alipay_summary(payments: int, refunds: int) -> str:
    """The summary file."""
    rows = [f"门店1,,{payments},{refunds},0,0,0,0,0,0,0,0", f"合计,,{payments},{refunds},0,0,0,0,0,0,0,0"]
    return "\r\n".join(["#支付宝业务汇总查询", ALIPAY_SUMMARY, *rows, "#导出时间：[2026年10月03日]"]) + "\r\n"


def alipay_bill(rows: Iterable[Mapping[str, str]], **detail: str) -> bytes:
    """The ZIP as Alipay gives it: two GBK files whose names are GBK, too."""
    rows = list(rows)
    back = sum(row["业务类型"] == "退款" for row in rows)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (("业务明细", alipay_detail(rows, **detail)), ("业务明细(汇总)", alipay_summary(len(rows) - back, back))):
            stored = f"20880000000000000156_20261002_{name}.csv".encode("gbk").decode("cp437")
            archive.writestr(stored, text.encode("gb18030"))
    return packed.getvalue()


def ledger_row(key: str = "R1", minor: int = 1234, status: str = "settled", **fields: object) -> dict[str, object]:
    """A row of our ledger that agrees with the refund of the same number."""
    usual: dict[str, object] = {
        "order": "P1",
        "transaction_id": "4200000000202610020000000001",
        "currency": "CNY",
        "accepted_at": "2026-10-02T10:00:00+08:00",
    }
    return {"key": key, "amount_minor": minor, "status": status} | usual | fields


def ledger_file(rows: Iterable[Mapping[str, object]]) -> bytes:
    """JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def zipped(data: bytes) -> bytes:
    """As gzip."""
    return gzip.compress(data, mtime=0)
