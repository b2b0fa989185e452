"""From what a citizen writes to clauses that could name an event: cleaned, and shortened by cutting only.

``投诉望江大道枫桥花园小区油烟扰民，请尽快处理！`` gives ``望江大道枫桥花园小区油烟扰民`` and a shorter form
without the road. Nothing is ever added.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from triage.privacy.surnames import SINGLE_SURNAMES
from triage.text.boilerplate import find_openers
from triage.text.instructions import find_instructions

LENGTH = 20
"""Most characters of a title."""

_READ_TITLE = 120
_READ_CONTENT = 400
_MOST_CLAUSES = 8

_HIDDEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffd\ud800-\udfff\ue000-\uf8ff]"
)
MASK = re.compile(r"\[(?:证件号|手机号|银行卡|邮箱|电话|车牌|微信|QQ|姓名|住址)\]|\*{2,}|[xX×]{2,}")
_NUMBERED = re.compile(
    r"[(（【\[]?(?:政府)?工单(?:编)?号[:： ]?\s?\d{0,20}[)）】\]]?|\d{10,}|https?:[\w./?=&%-]*|www\.[\w./?=&%-]*"
)
_ANSWERED = re.compile(
    r"\d{4}[-/年]\d{1,2}[-/月]\d{1,2}日?(?: ?\d{1,2}:\d{2}(?::\d{2})?)?[^\n，。]{0,20}(?:答复|回复|反馈)"
)
_HEADING = re.compile(r"(?:政府)?工单(?:内容|结果|信息|处理情况|情况)")
_WIDE = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
)
_ASIDE = re.compile(r"[（(][^（）()]{0,60}[）)]|【[^【】]{0,60}】|\[[^\[\]]{0,60}\]")
_QUOTED_MATTER = re.compile(r"《?关于([^《》]{4,60}?)的(?:问题|投诉|建议|咨询|举报)》")
_END = re.compile(r"[，,。．;；!！?？…~～|\n\r\t《》<>{}]+|(?<!\d)[：:]|[：:](?!\d)|--+|——|(?<!\d)\.|\.(?!\d)")
_BLANK = re.compile(r"(?<=[\u4e00-\u9fff]) +(?=[\u4e00-\u9fffA-Z0-9])|(?<=[A-Z0-9]) +(?=[\u4e00-\u9fff])")

_CALLED = re.compile(
    r"(?:尊敬的|敬爱的|亲爱的|致)?(?:[A-Z]?\d{0,2}[市区县]委?)?[\u4e00-\u9fff]{0,3}"
    r"(?:书记|局长|市长|县长|区长|省长|厅长|主任|部长|镇长|领导们?)(?:同志)?(?:您好|你好)?[，,：:!！ ]*"
)
_LEAD = re.compile(
    r"(?:再次|多次|一再|强烈|坚决|紧急|实名|联名|真诚|诚恳|郑重|严重|"
    r"投诉|举报|反映|反应|反馈|咨询|请问(?:一下)?|请教|询问|提问|求助|求问|求教|关于|有关(?!部门)|针对|对于|关注|说说|谈谈|问问|问一下|想问(?:一下)?|我要|我想|想(?=咨询|投诉)|"
    r"市民|群众|来电|来信|就(?![业读医诊近餐是地要能会])|对(?![面外口讲公方])|给(?![水排付])|一下|下(?=关于)|为何|为什么|"
    r"(?:特此|特|故)?(?=来电|致电)|致电|其是(?=在)|申诉|控诉|曝光|揭露|质疑|呼吁|称|说|表示|其(?![他它中实余])|[、\-—_\"“”'‘’·．.*#]|\d{1,2}[、.．)）](?!\d))+"
)
_WISH = re.compile(
    r"(?:(?:强烈|恳切|诚恳|再次)?(?:希望|盼望|期望|期盼|请求|要求|恳请|恳求|请(?![愿假款])|建议|烦请|敬请|望(?=[A-Z\u4e00-\u9fff]{0,8}(?:加快|尽快|重视))|能否|可否|能不能|可不可以|是否可以))+"
    r"(?:(?:[A-Z]?\d{0,2}市|[\u4e00-\u9fff]{2}市)?(?:相关|有关|主管|职能)(?:职能)?部门|政府|领导)?"
    r"(?:尽快|尽早|早日|帮忙|能够|能|给予|(?:解决|处理|重视|关注|关心|查处|严查|调查|彻查)(?:一下)?)*"
)
_TAIL = re.compile(
    r"(?:的(?:几[点个个条])?(?:有关|相关|若干|一些|情况|问题|小)*(?:投诉|举报|咨询|建议|意见|疑问|疑惑|困惑|反映|反馈|求助|请求|诉求|问题|事宜|情况|事情|事|公开信|呼吁|控诉|控诉书|联名控诉书|心声|报告|相关事宜|看法|想法)"
    r"|(?:一事|事宜|情况说明|问题(?:咨询|反映|投诉)|的?相关问题|的?若干问题|有关问题|等问题)"
    r"|(?:刻不容缓|谁来管|谁负责|怎么办|(?:该)?何去何从|苦不堪言|可以吗|行不行|是否合法|合法吗|合理吗|求解决|请解决|望解决|亟待解决|急需解决|请(?:相关部门|领导)?(?:处理|查处|重视|关注|解决))"
    r"|[呢啊呀哦了的、和与及在对是，,。·\-—_\"“”'‘’ ]|(?<![\u4e00-\u9fff])[（(])+\Z"
)
_PROVINCE = r"(?:[\u4e00-\u9fff]{2,3}省)?"
_CITY = re.compile(
    rf"^(?:在|位于|地处|住在)?{_PROVINCE}(?:[A-Z]\d{{0,2}}|(?!城|门|超|夜|菜|农贸|集|房|楼|股)[\u4e00-\u9fff]{{2}})市(?![场民政区委府内里容直属])"
)
_COUNTY = re.compile(
    r"^(?:在|位于|地处|住在)?(?:[A-Z]\d{1,2}|[\u4e00-\u9fff]{1,3}(?<![小社园景校片库院矿住民商]))[区县](?![域内里间政委府别分长])"
)
_MID_CITY = re.compile(
    r"(?<=[\u4e00-\u9fff])(?:[A-Z]\d{0,2}|[\u4e00-\u9fff](?![城门超夜菜集房楼股都上书黑花鱼闹早全本我])[\u4e00-\u9fff])市"
    r"(?=[\u4e00-\u9fffA-Z]{2})(?![场民政区委府内里容直属])"
)
_PROVINCES = re.compile(r"(?:(?<=^)|(?<=[及与和由在]))[\u4e00-\u9fff]{2}省(?!道|会|级|钱|委|政府|直|厅|内|外)")
_STREET = re.compile(r"^[\u4e00-\u9fff]{2,4}(?:街道办?|镇|乡)(?=[\u4e00-\u9fff]{3})")
_ROAD = re.compile(
    r"^[\u4e00-\u9fff]{2,5}(?:大道|路|街|巷)(?:[东西南北中]段)?(?:与[\u4e00-\u9fff]{2,5}(?:大道|路|街)交[汇叉]口)?(?:\d{1,4}号)?(?:的|旁边?|上)?(?=[\u4e00-\u9fff]{5})"
)
_FLOOR = re.compile(r"(?:\d{1,3}|[A-Z]\d{0,2})号?[楼栋幢座](?:\d{1,2}单元)?(?:\d{1,3}[楼层])?(?:\d{3,4}[室房]?)?")
_BESIDE = re.compile(r"^.{2,12}(?:旁边?|附近|门口|对面|楼下)的(?=.{6})")
_SOFT = re.compile(
    r"所有|一直|长期|经常|严重(?=[\u4e00-\u9fff]{2})|已经|每天|每晚|仍然|依然|竟然|居然|这一块|这里|的时候|(?<=\d\d)左右"
    r"|\d{1,2}[:：点]\d{0,2}分?(?:左右|以后|之后)?|[的了得却很都](?=[\u4e00-\u9fff])"
)
_TURN = re.compile(
    r"有(?![关期害效])|把|被(?![子罩])|存在|出现|没有|无法|不(?=[能给按予合让])|至今|迟迟|未(?=[发办退交拆建修付])|(?<=[\u4e00-\u9fff]{2})在(?=[\u4e00-\u9fff]{3})"
)
"""Where the second half of a clause may begin, which tells the matter of the place in the first."""
_LIMITED = re.compile(r"(?<=[\u4e00-\u9fff]{4})(?:股份)?有限(?:责任)?(?=公司)")
_RESULT = re.compile(
    r"(?<=[\u4e00-\u9fff]{6})(?:，|,|、)?(?:导致|造成|致使|以致|从而|因此|严重影响|极大影响|影响(?=附近|周边|居民|市民|小区|业主|出行|生活|睡眠|休息)|已?扰乱|给(?=居民|市民|业主|周边)|何时|什么时候|为何|为什么|是否|怎么|如何|能否|要拖到|谁来|该向谁)"
)
_LOOSE_START = re.compile(
    r"[的了和与被将把且并而也还仍以又但故其于即若]|后被|导致|造成|致使|因此|因为|由于|需要|要求|随后|最终|目前|现在|同时|另外|而且"
)
_LOOSE_END = re.compile(
    r"[的了和与在被将把是从因未不很后时前至对为向及其要能会才到该]\Z"
    r"|(?:路口|附近|周边|旁边?|门口|楼下|小区|期间|以来|之间|交[汇叉][口处]|[路街楼栋][东西南北]?侧?|来信|中心"
    r"|乐园|公园|广场|大厦|花园|家园|公寓|市场|工地|拆迁户|住户|业主|居民|村民|开发商|物业|公司)\Z"
)
_INTRODUCED = re.compile(
    r"(?:其|我们?|本人|他们?|咱们?)?(?:是|家?住在?|为|系|作为|一名|一个)[^，]{0,60}(?:业主|居民|住户|村民|市民|租户|商户|家长|人员|员工|学生|职工|群众)(?:们|代表)?"
)
"""Who writes, not what about: 其是海风小区二期的业主."""
_BALANCED = (("“", "”"), ("‘", "’"), ("（", "）"), ("(", ")"), ("【", "】"))
_EDGE = "、，,。.;；:：!！?？·-—_~ \"'"

_RUDE = re.compile(
    r"我|你|您|咱|本人|领导|书记|局长|求求|救救|良心|天理|痛苦|愤怒|黑心|无良|垃圾(?!桶|站|箱|车|分类|清运|处理|堆|转运|房|场|投放)"
)


def clauses(title: str, content: str) -> list[str]:
    """Return what of an appeal could name its event: clauses of its title, or of its opening where it has none.

    Args:
        title: Masked; may be empty.
        content: Masked; may be empty. Its first 400 characters are read.

    Returns:
        At most eight, in reading order, each without lead-ins (投诉, 关于 …), ends (的问题) and masks; any length of
        2 or more.
    """
    cleaned = _cleaned(title[:_READ_TITLE])
    found = _split(cleaned, least=4) or _split(_body(content), least=2) or _split(cleaned, least=2)
    return found[:_MOST_CLAUSES]


def _split(text: str, *, least: int) -> list[str]:
    found = (bare(part) for part in _END.split(text) if not _INTRODUCED.fullmatch(part.strip(_EDGE)))
    whole = list(dict.fromkeys(clause for clause in found if len(clause) >= least))
    return [clause for clause in whole if not _LOOSE_START.match(clause)] or whole


def bare(clause: str) -> str:
    """Take lead-ins and ends off a clause."""
    before = ""
    while clause != before:
        before = clause
        clause = clause.strip(_EDGE)
        if match := _CALLED.match(clause):
            clause = clause[match.end() :]
        if match := _LEAD.match(clause):
            clause = clause[match.end() :]
        if match := _TAIL.search(clause[-16:]):
            clause = clause[: len(clause) - len(clause[-16:]) + match.start()]
    return clause


def shorter_forms(clause: str, districts: Iterable[str]) -> Iterator[str]:
    """Yield a clause and what is left of it when parts go that a reader misses least; the longest form first.

    Without the city, the district, the street, the road before an estate, the wish in front, and what only tells the
    consequence (严重影响居民 …). Each form is a piece of the clause or two of its pieces joined.
    """
    forms = [clause]
    if (match := _WISH.match(clause)) and match.end():
        forms.append(clause[match.end() :])
    for pattern in (_PROVINCES, _MID_CITY, _LIMITED, _FLOOR):
        forms += [shorter for form in forms if (shorter := pattern.sub("", form)) != form]
    heads = [head for form in forms for head in _without_heads(form, districts)]
    for form in dict.fromkeys((*forms, *heads)):
        yield form
        for match in _RESULT.finditer(form):
            if "因" not in form[: match.start()]:
                yield bare(form[: match.start()])


def _without_heads(form: str, districts: Iterable[str]) -> list[str]:
    found = []
    for district in districts:
        if district and district in form[:12] and not form.startswith(district):
            form = form[form.index(district) :] if len(form[: form.index(district)]) <= 4 else form
    for pattern in (_CITY, _COUNTY, _BESIDE, _STREET, _ROAD, _ROAD):
        if match := pattern.match(form):
            form = form[match.end() :].lstrip("的")
            found.append(form)
    return found


def matters(clause: str) -> Iterator[str]:
    """Yield the ends of a long clause that tell what is the matter: …有人把垃圾倒进河里, 把垃圾倒进河里."""
    for match in _TURN.finditer(clause):
        yield clause[match.start() :]


def tightened(form: str) -> str:
    """Return a form without words that only colour it (长期, 竟然, 的)."""
    return _SOFT.sub("", form)


def is_whole(text: str) -> bool:
    """Say whether brackets and quotation marks in a text are closed."""
    return all(text.count(left) == text.count(right) for left, right in _BALANCED)


def is_plain(text: str) -> bool:
    """Say whether a text speaks of the matter and neither of the writer, nor to somebody, nor in anger."""
    return not _RUDE.search(text)


def is_loose(text: str) -> bool:
    """Say whether a text begins or ends in the middle of a phrase, or ends with a place to which nothing happens."""
    return _LOOSE_START.match(text) is not None or _LOOSE_END.search(text) is not None


def may_name_person(words: Iterable[str]) -> bool:
    """Say whether words hold what could be a personal name: a surname and one or two more loose characters.

    Args:
        words: A text as a dictionary cuts it; a name that no dictionary knows comes out character by character.
    """
    run = ""
    for word in (*words, "\n"):
        if len(word) == 1 and "\u4e00" <= word <= "\u9fff":
            run += word
            continue
        if len(run) in (2, 3) and run[0] in SINGLE_SURNAMES:
            return True
        run = ""
    return False


def _cleaned(text: str) -> str:
    text = _HIDDEN.sub("", text.translate(_WIDE))
    if match := _QUOTED_MATTER.search(text):
        return match[1]
    return _BLANK.sub("", _NUMBERED.sub("", MASK.sub("", _ASIDE.sub("", MASK.sub("", text)))))


def _body(content: str) -> str:
    """Return the opening of a text without greetings and call-takers' instructions, whose places become clause ends.

    What a unit answered to an earlier ticket ends it.
    """
    text = content[:_READ_CONTENT]
    if (answer := _ANSWERED.search(text)) and answer.start():
        text = text[: answer.start()]
    pieces = list(text)
    for span in (*find_openers(text), *find_instructions(text)):
        for at in range(span.start, span.end):
            pieces[at] = "。"
    return _cleaned(_HEADING.sub("。", "".join(pieces)))
