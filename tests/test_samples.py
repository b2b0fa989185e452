"""The shipped samples are complete, consistent with each other, and free of real-looking personal data."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import pytest

from triage.samples import SAMPLE_NAMES, sample_path

APPEAL_HEADER = ["工单编号", "渠道", "时间", "用户", "标题", "诉求内容", "诉求地址"]
UNIT_HEADER = "name,level,parent,jurisdiction,function,duties,aliases,valid_from,valid_to"
ANSWER_KEYS = {
    *("id", "unit", "dept", "l1", "l2", "type", "risk", "factors", "evidence"),
    *("emergency", "event", "batch", "route_out", "demands", "kinds"),
}


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FIRST_DAY, LAST_DAY = date(2026, 9, 7), date(2026, 11, 1)
CHANNELS = words("热线 网站 微信 网格 信箱 信访")
LEVELS = words("市 区县 街镇 社区村 企业")
TYPES = words("投诉 求助 咨询 建议 举报 感谢 其他")
FACTORS = words(
    "群体性 上访倾向 曝光威胁 暴力冲突 轻生极端 安全隐患 欠薪 房产物业 征地拆迁 金融诈骗 反复未决 弱势群体 "
    "执法不公 环境健康"
)
FUNCTIONS = words(
    "住建局 城管局 自然资源局 生态环境局 公安局 交警 交通运输 人社局 教育局 卫健委 医保局 市场监管局 民政局 "
    "农业农村局 水利局 应急管理局 消防救援 文旅体局 司法局 法院 检察院 信访局 纪委监委 组织部 宣传网信 财政局 "
    "税务局 发改委 工信局 商务局 林业局 退役军人局 金融监管 国资委 公积金中心 残联 统战民宗 邮政快递 供电公司 "
    "供水公司 燃气公司 通信运营商 轨道集团 公交公司 园区管委会 街道乡镇 社区村委 区县政府 市政府 省直部门 "
    "外事侨务 人防办 其他"
)
LEGAL_ROUTES = words("诉讼 仲裁 纪检监察 行政复议 信息公开")
EMERGENCY_ROUTES = {"110", "119", "120", "122"}
CATEGORIES = {
    "城乡建设": "安全生产 城市建设和市政管理 城乡规划 村镇建设 工程质量 国有土地上房屋征收与补偿 "
    "集体土地上房屋拆迁与补偿 建筑市场 其他 住房保障与房地产",
    "党务政务": "党的建设 港澳台侨 国防外交 民族宗教 其他 群众团体 宣传舆论 政治体制",
    "国土资源": "海洋气象地震 矿产资源管理 其他 土地征收 土地资源管理",
    "环境保护": "环保管理 环境污染 建设项目审批 其他",
    "纪检监察": "党政处分 干部作风 滥用职权 其他 失职渎职 贪污贿赂",
    "交通运输": "出租车管理 建设管理 交通运输 客货运输 其他 邮政管理",
    "经济管理": "安全生产 保险证券期货 国资监管 宏观调控 金融财税 能源管理 其他 企业破产",
    "科技与信息产业": "电信 科学技术 其他 信息化建设 知识产权",
    "民政": "福利慈善 复退安置 基层选举和社区建设 救灾募捐 民间组织 其他 区划地名 社会服务 社会救助 优抚",
    "农村农业": "草原草场 村务管理 动物防疫 扶贫开发 惠农补贴 林业管理 农副产品流通 农垦农场 农资农技 其他 "
    "水库移民 水利水电 土地承包经营 野生资源管理",
    "商贸旅游": "旅游管理 其他 商业贸易 市场监管 质监检验检疫",
    "卫生计生": "公共卫生 其他 人口计生 食品药品监管 医患纠纷 医政监管",
    "政法": "法律服务 法制建设 行政复议 户籍证件 交通管理 警务督察 其他 社会治安 诉讼 刑案侦破 刑罚执行 仲裁与调解",
    "教育文体": "教师队伍和待遇 教育行政管理 教育收费 教育体制 考试招生 其他 失学辍学 体育 文化 文物管理",
    "劳动和社会保障": "城镇居民社会保险 城镇职工社会保险 工资福利 就业培训 劳动保护 劳动关系 其他 社保基金管理 "
    "退休政策及待遇",
}
MINIMUM_OF_KIND = {
    "short_call": 90,
    "long_letter": 20,
    "asr_slip": 15,
    "typo": 15,
    "traditional": 8,
    "emoji": 8,
    "multi_demand": 20,
    "repeated": 20,
    "escalation": 25,
    "thanks": 5,
    "enquiry": 30,
    "suggestion": 10,
    "conduct": 10,
    "legal_route": 8,
    "emergency_route": 6,
    "personal_data": 40,
    "dialect": 5,
    "no_punctuation": 5,
    "mixed_width": 5,
}
EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
TRADITIONAL_ONLY = re.compile("[請們這樓讓來說時過點區門裡會學歲結帳園證開間風車庫壞邊後麵]")
SEPARATOR_IN_NUMBER = re.compile(r"(?<=\d)[ -](?=\d)")
MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
FAKE_MOBILE = re.compile(r"1(?:38|99)0000\d{4}")
ID_NUMBER = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)")
CARD_NUMBER = re.compile(r"(?<!\d)\d{16,17}(?![\dXx])")
PLATE = re.compile(r"[\u4e00-\u9fff][A-Z]·[A-Z0-9]{5,6}")
EMAIL = re.compile(r"[\w.-]+@([\w.-]+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One appeal with the right answer beside it."""

    row: dict[str, str]
    answer: dict[str, Any]

    @property
    def id(self) -> str:
        return self.row["工单编号"]

    @property
    def text(self) -> str:
        return f"{self.row['标题']}\n{self.row['诉求内容']}"

    @property
    def content(self) -> str:
        return self.row["诉求内容"]

    @property
    def time(self) -> datetime:
        return datetime.fromisoformat(self.row["时间"])

    @property
    def kinds(self) -> list[str]:
        kinds: list[str] = self.answer["kinds"]
        return kinds


@cache
def samples() -> tuple[Sample, ...]:
    with sample_path("appeals.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = sample_path("answers.jsonl").read_text(encoding="utf-8").splitlines()
    answers = [json.loads(line) for line in lines]
    return tuple(Sample(row=row, answer=answer) for row, answer in zip(rows, answers, strict=True))


@cache
def units() -> dict[str, dict[str, str]]:
    with sample_path("units.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def of_kind(kind: str) -> list[Sample]:
    return [sample for sample in samples() if kind in sample.kinds]


def failing(bad: list[Sample]) -> list[str]:
    return [sample.id for sample in bad]


def test_every_sample_has_a_path_and_an_unknown_name_is_refused_with_the_names() -> None:
    assert all(sample_path(name).is_file() for name in SAMPLE_NAMES)
    with pytest.raises(ValueError, match=r"没有名为“other\.csv”的样例文件.*units\.csv"):
        sample_path("other.csv")


def test_the_appeals_file_opens_in_office_programs_and_has_the_chinese_header() -> None:
    raw = sample_path("appeals.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw[3:].split(b"\r\n", 1)[0].decode() == ",".join(APPEAL_HEADER)


def test_there_are_at_least_three_hundred_appeals_with_aligned_unique_ids() -> None:
    assert len(samples()) >= 300
    assert len({sample.id for sample in samples()}) == len(samples())
    assert all(sample.id == sample.answer["id"] for sample in samples())


def test_every_id_carries_the_day_of_its_appeal() -> None:
    assert not failing([s for s in samples() if not re.fullmatch(rf"LJ{s.time:%Y%m%d}-\d{{4}}", s.id)])


def test_the_appeals_are_in_time_order_and_fill_eight_weeks() -> None:
    times = [sample.time for sample in samples()]
    assert [f"{time:%Y-%m-%d %H:%M:%S}" for time in times] == [sample.row["时间"] for sample in samples()]
    assert times == sorted(times)
    assert {time.date() for time in times} == {
        date.fromordinal(day) for day in range(FIRST_DAY.toordinal(), LAST_DAY.toordinal() + 1)
    }


def test_channels_are_the_known_ones_and_users_are_codes_of_which_some_return() -> None:
    assert {sample.row["渠道"] for sample in samples()} == CHANNELS
    counts = Counter(sample.row["用户"] for sample in samples())
    assert all(re.fullmatch(r"U\d{5}", user) for user in counts)
    assert sum(count > 1 for count in counts.values()) >= 20


def test_no_two_appeals_have_the_same_text() -> None:
    assert len({re.sub(r"\s", "", sample.content) for sample in samples()}) == len(samples())


def test_answers_use_only_the_allowed_labels() -> None:
    for sample in samples():
        answer = sample.answer
        assert set(answer) == ANSWER_KEYS, sample.id
        assert answer["l2"] in CATEGORIES[answer["l1"]].split(), sample.id
        assert answer["type"] in TYPES, sample.id
        assert set(answer["factors"]) <= FACTORS, sample.id
        assert set(answer["dept"]) <= FUNCTIONS, sample.id
        assert 1 <= len(answer["dept"]) == len(set(answer["dept"])) <= 3, sample.id
        assert answer["risk"] in range(5), sample.id
        assert answer["demands"] >= 1, sample.id
        assert answer["batch"] == "s", sample.id
        assert sample.kinds, sample.id
        assert answer["route_out"] in {None, *LEGAL_ROUTES, *EMERGENCY_ROUTES}, sample.id


def test_evidence_is_verbatim_and_present_from_yellow_upwards() -> None:
    for sample in samples():
        evidence = sample.answer["evidence"]
        assert len(evidence) <= 2, sample.id
        assert evidence or sample.answer["risk"] < 2, sample.id
        assert all(q in sample.row["标题"] or q in sample.content for q in evidence), sample.id


def test_thanks_and_suggestions_without_harm_are_never_orange_or_red() -> None:
    calm = [s for s in samples() if s.answer["type"] in {"感谢", "建议"}]
    assert not failing([s for s in calm if s.answer["risk"] >= 3])


def test_every_unit_exists_was_valid_that_day_and_bears_the_lead_function() -> None:
    for sample in samples():
        name = sample.answer["unit"]
        if not name:
            assert sample.answer["route_out"] is not None, sample.id
            continue
        unit = units()[name]
        day = sample.time.date().isoformat()
        assert (unit["valid_from"] or day) <= day <= (unit["valid_to"] or day), sample.id
        assert unit["function"] == sample.answer["dept"][0], sample.id


def test_the_directory_has_known_levels_functions_and_enough_duties() -> None:
    with sample_path("units.csv").open(encoding="utf-8", newline="") as file:
        assert file.readline().rstrip("\r\n") == UNIT_HEADER
    assert 50 <= len(units()) <= 60
    for name, unit in units().items():
        assert unit["level"] in LEVELS, name
        assert unit["function"] in FUNCTIONS, name
        assert unit["jurisdiction"], name
        assert not unit["parent"] or unit["parent"] in units(), name
        duties = unit["duties"].split("、")
        assert len(set(duties)) == len(duties) >= 6, name


def test_an_alias_names_one_unit_only_and_is_no_unit_name() -> None:
    aliases = [alias for unit in units().values() for alias in unit["aliases"].split(";")]
    assert all(aliases)
    assert not [alias for alias, count in Counter(aliases).items() if count > 1]
    assert not set(aliases) & set(units())


def test_an_abolished_unit_is_named_by_citizens_but_never_the_answer() -> None:
    abolished = [name for name, unit in units().items() if unit["valid_to"]]
    assert abolished
    for name in abolished:
        assert date.fromisoformat(units()[name]["valid_to"]) < FIRST_DAY
        assert any(units()[name]["jurisdiction"] in sample.text for sample in samples())


@pytest.mark.parametrize(("kind", "minimum"), MINIMUM_OF_KIND.items())
def test_each_kind_of_difficulty_occurs_often_enough(kind: str, minimum: int) -> None:
    assert len(of_kind(kind)) >= minimum


def test_kinds_are_true_of_the_text_where_the_text_can_show_it() -> None:
    assert not failing([s for s in of_kind("emoji") if not EMOJI.search(s.text)])
    assert not failing([s for s in of_kind("traditional") if len(TRADITIONAL_ONLY.findall(s.content)) < 3])
    assert not failing([s for s in of_kind("long_letter") if not 300 <= len(s.content) <= 900])
    assert not failing([s for s in of_kind("short_call") if not s.content.startswith("市民")])
    assert not failing([s for s in of_kind("short_call") if len(s.content) > 170])
    assert not failing([s for s in of_kind("no_punctuation") if re.search("[，。！？]", s.content)])


def test_kinds_agree_with_the_other_answers() -> None:
    for sample in samples():
        answer, kinds = sample.answer, sample.kinds
        assert ("escalation" in kinds) == (answer["risk"] >= 3), sample.id
        assert ("multi_demand" in kinds) == (answer["demands"] >= 2), sample.id
        assert ("legal_route" in kinds) == (answer["route_out"] in LEGAL_ROUTES), sample.id
        assert ("emergency_route" in kinds) == (answer["route_out"] in EMERGENCY_ROUTES), sample.id
        for kind, type_ in (("thanks", "感谢"), ("enquiry", "咨询"), ("suggestion", "建议")):
            assert (kind in kinds) == (answer["type"] == type_), sample.id


def test_a_hand_over_to_the_emergency_numbers_is_an_emergency() -> None:
    routed = of_kind("emergency_route")
    assert not failing([s for s in routed if not s.answer["emergency"] or s.answer["risk"] < 3])


def test_a_quoted_ticket_number_is_that_of_an_earlier_appeal_of_the_same_event() -> None:
    by_id = {sample.id: sample for sample in samples()}
    quoted = [(s, by_id[number]) for s in samples() for number in re.findall(r"LJ\d{8}-\d{4}", s.text)]
    assert len(quoted) >= 8
    assert not [s.id for s, earlier in quoted if earlier.time >= s.time]
    assert not [s.id for s, earlier in quoted if earlier.answer["event"] != s.answer["event"]]


def test_about_twenty_five_events_have_two_to_nine_members_and_two_of_them_burst_in_one_week() -> None:
    weeks: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for sample in samples():
        weeks[sample.answer["event"]].append(sample.time.isocalendar()[:2])
    groups = [members for members in weeks.values() if len(members) > 1]
    assert len(groups) >= 25
    assert max(map(len, groups)) <= 9
    assert sum(len(members) >= 6 and len(set(members)) == 1 for members in groups) >= 2


def test_look_alikes_come_in_pairs_that_are_different_events() -> None:
    pairs: dict[str, list[Sample]] = defaultdict(list)
    for sample in of_kind("look_alike"):
        pairs[next(kind for kind in sample.kinds if kind.startswith("pair_"))].append(sample)
    assert len(pairs) >= 10
    for pair, (one, other) in pairs.items():
        assert one.answer["event"] != other.answer["event"], pair
        assert one.answer["l2"] == other.answer["l2"], pair


def test_no_number_looks_like_that_of_a_real_person() -> None:
    for sample in samples():
        text = SEPARATOR_IN_NUMBER.sub("", sample.text)
        assert all(FAKE_MOBILE.fullmatch(number) for number in MOBILE.findall(text)), sample.id
        assert all(number.startswith("11010119000101") for number in ID_NUMBER.findall(text)), sample.id
        assert all(number.startswith("62000000000000") for number in CARD_NUMBER.findall(text)), sample.id
        assert all(re.match(r".[A-Z]·F0\d{3}$", p) and p[0] == "澜" for p in PLATE.findall(text)), sample.id
        assert all(domain == "example.com" for domain in EMAIL.findall(text)), sample.id


def test_the_fake_id_and_card_numbers_have_a_right_check_digit() -> None:
    text = "\n".join(sample.text for sample in samples())
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    ids = ID_NUMBER.findall(text)
    assert len(ids) >= 5
    for number in ids:
        total = sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))
        assert number[-1] == "10X98765432"[total % 11]
    cards = CARD_NUMBER.findall(text)
    assert cards
    for number in cards:
        doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(number))]
        assert sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0
