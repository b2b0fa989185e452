"""Masking of personal data: what is masked, what stays, and the guarantees that hold for any text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.privacy import MaskedText, MaskSpan, find_personal_data, mask
from triage.privacy.checksums import id_checksum_holds, id_is_plausible, luhn_holds
from triage.privacy.spans import TOKENS, folded
from triage.privacy.surnames import COMPOUND_SURNAMES, SINGLE_SURNAMES

ID_NUMBER = "110101190001011017"
CARD = "6222000000000009"


def test_the_test_numbers_carry_the_right_check_digits() -> None:
    assert id_checksum_holds(ID_NUMBER)
    assert id_is_plausible(ID_NUMBER)
    assert luhn_holds(CARD)
    assert not id_checksum_holds(ID_NUMBER[:-1] + "8")
    assert not luhn_holds(CARD[:-1] + "6")
    assert not id_is_plausible("110101190002301015")


def test_spans_point_into_the_input_text() -> None:
    text = "我叫张晓明，电话１３８ ００００ １２３４。"
    assert mask(text) == MaskedText(
        "我叫[姓名]，电话[手机号]。", (MaskSpan(2, 5, "[姓名]"), MaskSpan(8, 21, "[手机号]"))
    )
    assert find_personal_data(text) == mask(text).spans


@pytest.mark.parametrize(
    "number",
    [
        "13800001234",
        "138 0000 1234",
        "138-0000-1234",
        "+86 13800001234",
        "138.0000.1234",
        "１３８００００１２３４",
        "1 3 8 0 0 0 0 1 2 3 4",
        "幺三八零零零零一二三四",
        "138零零零零一二三四",
        "(+86)13800001234",
        "013800001234",
    ],
)
def test_a_mobile_number_is_masked_however_it_is_written(number: str) -> None:
    assert mask(f"号码（{number}）请回电").text == "号码（[手机号]）请回电"


def test_a_mobile_number_inside_a_ticket_number_stays() -> None:
    assert mask("工单20180518765837和2013800001234567").spans == ()


def test_a_list_of_floors_is_no_mobile_number() -> None:
    assert mask("13 15 17 19 20 1").spans == ()


def test_landlines_need_an_area_code_or_a_cue() -> None:
    assert mask("0898-66668888转801").text == "[电话]"
    assert mask("(0898)66668888").text == "[电话]"
    assert mask("电话66668888、66669999").text == "电话[电话]、[电话]"
    assert mask("面积66668888平方米").spans == ()


@pytest.mark.parametrize(
    "number", ["12345", "110", "12315", "95598", "400-820-8820", "4008208820", "96110", "0898-12345"]
)
def test_public_service_numbers_stay(number: str) -> None:
    assert mask(f"请拨打电话{number}咨询").spans == ()


def test_identity_numbers_are_masked_with_spaces_and_with_a_slip_of_the_pen() -> None:
    for written in (ID_NUMBER, "110101 19000101 1017", ID_NUMBER[:-1] + "8", "110101000101001"):
        assert mask(f"身份证{written}，").text == "身份证[证件号]，"
    assert mask("证件：护照E00000001。").text == "证件：护照[证件号]。"


def test_a_long_order_number_is_neither_an_identity_nor_a_bank_card() -> None:
    assert mask("订单号：" + CARD).spans == ()
    assert mask("流水2018051812345678901").spans == ()


def test_a_bank_card_needs_the_luhn_digit_or_a_cue() -> None:
    assert mask(CARD).text == "[银行卡]"
    assert mask("6222 0000 0000 0009 13800001234").text == "[银行卡] [手机号]"
    assert mask("卡号6222000000000000").text == "卡号[银行卡]"
    assert mask("6222000000000000").spans == ()


@pytest.mark.parametrize("plate", ["琼A12345", "粤B·D12345", "京A12345警", "皖K·6666挂", "湘 A 6F888", "鄂a12d45"])
def test_plates_of_all_kinds_are_masked(plate: str) -> None:
    assert mask(f"车辆{plate}占道").text == "车辆[车牌]占道"


def test_accounts_are_masked_but_groups_and_public_accounts_stay() -> None:
    assert mask("邮箱fake@example.com，微信号：abc_fake，QQ 12345678").text == "邮箱[邮箱]，微信号：[微信]，QQ [QQ]"
    assert mask("微信公众号hk12345fake，QQ群123456789，微信支付500元").spans == ()


def test_a_household_is_masked_and_the_place_stays() -> None:
    assert mask("解放路18号3栋2单元1204室").text == "解放路18号[住址]"
    assert mask("解放路18号1204房").text == "解放路18号[住址]"
    assert mask("阳光花园3栋楼下，1号楼2号电梯，解放路18号院内").spans == ()


def test_officials_keep_surname_and_post_but_lose_their_full_name() -> None:
    assert mask("陈警官、王主任和张总都来过").spans == ()
    assert mask("局长史建华收礼，唐小军主任知情").text == "局长[姓名]收礼，[姓名]主任知情"
    assert mask("王先生和欧阳女士").text == "[姓名]先生和[姓名]女士"


def test_words_that_begin_with_a_surname_are_no_names() -> None:
    text = "我是高中生，本人家住黄山路，我叫他走，联系人员在王家湾，于是马上安全了，居民区白天施工，保安大爷说时候到了"
    assert mask(text).spans == ()


@pytest.mark.parametrize("token", TOKENS)
def test_tokens_that_are_already_there_stay(token: str) -> None:
    assert mask(f"联系人{token}，电话{token}12").text == f"联系人{token}，电话{token}12"


def test_the_view_has_the_length_of_the_text() -> None:
    text = "［電話］：１３８　陳Ａ·[电话]"
    assert len(folded(text)) == len(text)


def test_there_are_about_four_hundred_surnames() -> None:
    assert len(SINGLE_SURNAMES) + len(COMPOUND_SURNAMES) >= 400


FRAGMENTS = st.sampled_from(
    [
        "我叫",
        "张三丰",
        "联系人：",
        "本人",
        "李四",
        "，",
        "、",
        " ",
        "电话",
        "13800001234",
        "138",
        "0000",
        "1234",
        "66668888",
        "-",
        "0898",
        "身份证",
        ID_NUMBER,
        "卡号",
        CARD,
        "3栋",
        "2单元",
        "1204",
        "室",
        "号",
        "琼A",
        "12345",
        "先生",
        "局长",
        "老板",
        "·",
        "[姓名]",
        "[电话]",
        "[手机号]",
        "[",
        "]",
        "微信",
        "abc_fake",
        "@",
        "fake.com",
        "一三八零",
        "男",
        "姓",
        "敬礼",
        "买买提",
        "的",
    ]
)


@given(st.lists(FRAGMENTS, max_size=14).map("".join))
def test_masking_twice_changes_nothing_on_texts_full_of_cues(text: str) -> None:
    once = mask(text)
    assert mask(once.text) == MaskedText(once.text, ())


@given(st.text(max_size=80))
def test_any_text_is_survived_and_rebuilt_from_its_spans(text: str) -> None:
    masked = mask(text)
    rebuilt, at = "", 0
    for span in masked.spans:
        assert at <= span.start < span.end
        rebuilt += text[at : span.start] + span.token
        at = span.end
    assert rebuilt + text[at:] == masked.text
    assert mask(masked.text).text == masked.text


@pytest.mark.parametrize(
    "unit",
    ["1", "号", "张", "1 ", "1-", "一", "我叫", "a@", "张·", "1栋", "0898-", "姓张", "京A", "*", "13800001234", "，男"],
)
def test_a_hostile_text_of_100000_characters_takes_less_than_a_second(unit: str) -> None:
    text = (unit * 100_000)[:100_000]
    started = time.process_time()
    mask(text)
    assert time.process_time() - started < 1.0


def test_a_text_full_of_surnames_takes_less_than_a_second() -> None:
    text = ("".join(sorted(SINGLE_SURNAMES)) * 300)[:100_000]
    started = time.process_time()
    mask(text)
    assert time.process_time() - started < 1.0
