"""Personal names that a cue gives away: 我叫张三, 联系人：李四, 王女士, 村民赵六反映, 局长钱七.

Decision on posts: a full personal name before or after a post is masked (``[姓名]局长``, ``书记[姓名]``), because
reports show the text to others. A surname with a post alone (陈警官, 王主任, 张总, 田老师) stays: it names a desk more
than a person and tells the dispatcher which unit is meant. A surname before 先生, 女士, 师傅 … is masked.

How a name ends: a firm cue (姓名：, 我叫, 投诉人) takes two given characters unless the text says otherwise; after
a role (村民, 老板) the name needs a word or mark that follows names, or characters that given names consist of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.privacy.spans import NAME, MaskSpan
from triage.privacy.surnames import (
    COMPOUND_SURNAMES,
    FUNCTION_SURNAMES,
    GIVEN_CHARACTERS,
    PLAIN_GIVEN,
    SINGLE_SURNAMES,
    WORDLIKE_SURNAMES,
)
from triage.privacy.words import NAME_TRAPS

_FIRM_CUES = (
    "我叫|他叫|她叫|孩子叫|儿子叫|女儿叫|老板叫|名叫|名字叫|名字是|我的名字|姓名|名字|联系人|联络人|投诉人|反映人|反应人|举报人|信访人|上访人|申请人|诉求人|来电人|来访人|求助人|咨询人|"
    "留言人|检举人|建议人|署名|签名|落款|户主|户名|法定代表人|法人代表|法人|当事人|负责人|经办人|经手人|收件人|收货人|投保人|监护人|借款人|担保人|权利人|产权人|承包人|买受人|参保人|被执行人|申诉人|控告人|寄件人|收款人|付款人|持卡人|被告人|"
    "原告|被告|死者|伤者|受害人|委托人|代理人|承租人|出租人|购房人|肇事者|嫌疑人|房主|车主|机主"
)
_ROLE_CUES = (
    "本人|我是|我妈妈?|我爸爸?|我哥哥?|我姐姐?|我弟弟?|我妹妹?|家属|叫做|叫|大名|本名|真名|市民|村民|居民(?![区楼])|业主(?<!物业主)|住户|员工|职工|工人|学生|家长|患者|病人|租客|租户|房东|老板娘|老板|邻居|"
    "丈夫|妻子|老公|老婆|儿子|女儿(?!童)|父亲|母亲|家父|家母|岳父|岳母|公公|婆婆|爸爸|妈妈|爷爷|奶奶|哥哥|弟弟|姐姐|妹妹|孙子|孙女|外公|"
    "外婆|亲属|朋友|同事|同学|老师|医生|护士|司机|驾驶员|群众|网友|客户|顾客|消费者|中介|销售|客服|财务|出纳|队员|包工头|工头|合伙人|股东|保安|"
    "城管|农民工|老人|孩子|小孩|婴儿|幼儿|考生|男子|女子|军人|老兵|外卖员|快递员|骑手|网格员|店主|店长|摊主|乘客|旅客|游客|人员|"
    "残疾人|承包人|承包商|志愿者|环卫工人|受害者|同志|局长|主任|书记|警官|所长|镇长|乡长|村长|支书|队长|科长|处长|院长|校长|经理|"
    "会计|组长|站长|部长|县长|区长|市长|律师|法官|民警|警察|交警|协警|辅警|干部|党员|教练|代表"
)
_FIRM = re.compile(
    rf"(?:{_FIRM_CUES}|敬礼)(?:姓名|名字|名)?(?:及电话|及联系方式)?[\]\)]?([:是为系叫 ,，!！。\n]{{0,6}})\(?"
)
_CLOSING = frozenset(",，!！。\n")
_SURE = re.compile("叫|姓名|:")
_ROLE = re.compile(rf"(?:{_ROLE_CUES})(?:姓名|名字|名叫|叫做|叫)?[:\(, ]?(?<![，,])")
_TITLE = re.compile(
    "先生(?![产活成])|女士|小姐|阿姨|大爷|大妈|大娘|大叔|大婶|大伯|大哥|大姐|师傅|同志|同学|太太|奶奶|爷爷|婆婆|老汉|伯伯|叔叔"
)
_POST = re.compile(
    "总书记|局长|主任|书记|警官|所长|镇长|乡长|村长|支书|队长|科长|处长|院长|校长|经理|会计|组长|站长|部长|县长|区长|市长|律师|法官|民警|"
    "老师|医生|护士|教练|老板|总经理|班长|总(?=[,，。、;；:!！ ]|$)"
)
_DOTTED_PART = r"(?![我你他她您的是了年月日住购个们])[\u4e00-\u9fff]"
_DOTTED = re.compile(rf"(?:{_DOTTED_PART}){{1,6}}(?:·(?:{_DOTTED_PART}){{1,6}}){{1,3}}")
_DOTTED_BEFORE = re.compile(rf"(?:{_DOTTED_PART}){{1,6}}(?:·(?:{_DOTTED_PART}){{1,6}}){{1,3}}$")
_NO_PERSON = re.compile(
    "公司|集团|有限|小区|花园|社区|学校|自然村|实验|小学|中学|大学|幼儿园|医院|名都|庭|园|苑|城|广场|[村镇乡县市区街路]|[东西南北]区|期"
)
_LISTED = re.compile(r"[、,，和及与 ]")
_SURNAME_SAID = re.compile(r"姓(?<![百同]姓)([\u4e00-\u9fff]{1,2})(?=[^\u4e00-\u9fff]|$|叫|名叫|的|先生|女士)")
_SEX_TOLD = re.compile(r"[男女](?=[,，、 ;；)])")
_UNKNOWN = re.compile(
    r"不详|匿名|保密|没有|未知|同上|不愿|不便|不方|不明|无名|拒绝|不想|不肯|不知|暂无|略|某|日期|时间|地址|电话|内容|签"
)
_HAN = re.compile(r"[\u4e00-\u9fff]")
_OPEN_VALUE = re.compile(r"[\u4e00-\u9fff]{2,4}(?![\u4e00-\u9fff])")

_NEVER_GIVEN = frozenset(
    "的了是在我你他她它们这那不没要与及或也都就被把对向从吗呢吧啊么很最个些每各于因但而且此已请让叫说问打吃电话号住岁证诉姓某将并又还只再到去来"
    "上下前后里外内间处办局所院厂店部司区市县镇乡村街路巷组队社户型元费款过次得换经"
)
_NEVER_LAST = frozenset(
    "公反投举要表称说咨求现今曾年身手联因为等两三四五六七八九十一二几约家有能会可应和之以受给由该经系男已名入"
)
_FOLLOW_WORD = (
    "家住|家里|家在|家中|家属|现住|来电|来信|来访|反映|反应|投诉|举报|检举|控告|表示|要求|求助|咨询|建议|认为|希望|请求|电话|手机|联系|"
    "身份证|先生|女士|同志|老师|本人|夫妇|夫妻|一家|今年|现年|经常|多次|长期|态度|强行|收取|利用|非法|私自|违规|擅自|殴打|辱骂|拖欠|"
    "居住|户籍|名下|一直|目前|现在|来自|通过|突然|留言|联名|跑路|等人|"
    "的(?:妻|丈|儿|女|父|母|爸|妈|老公|老婆|邻居|家|亲|哥|弟|姐|妹|朋友|同事|爱人|电话|手机|身份|车|房|账|坟)"
)
_FOLLOW_CHAR = (
    "[住称说于因系男女等和与及在将把被对向以不没未从到去给让是有为也又却打欠曾已想要就我自昨今之诉收跑乱拿骗偷抢卖买借占挖砍砸骂撞"
    "租赔退交付签办找送体写骑坠受遭接做干当负联私合卷可证冲闯阻动威恐侵霸违失垄走跳掉摔跌扣罚停断拆毁烧死病残患我因]"
)
_FOLLOWED_BY_WORD = re.compile(_FOLLOW_WORD)
_FOLLOWED = re.compile(f"{_FOLLOW_WORD}|{_FOLLOW_CHAR}")
_PLACE_CUES = ("我是", "销售")
"""Cues after which an estate or a brand is as likely as a name: 我是金水湾壹号的业主."""
_PLACE_END = frozenset("湾村镇乡县市区省路街巷庙港岛坡寨屯店苑府厦局院所校厂社队组户人员工族")
_NOT_SURNAME = frozenset(["对方", "门卫", "环卫", "厂方", "东方", "医方", "照顾"])
"""Words before a title whose last character only looks like a surname: 环卫师傅."""
_LEFT = frozenset("的是叫找给向和与对由被让请位名为了到系诉报映民东板工户方人长客员生司经姓者友机")


def find_names(view: str) -> Iterator[MaskSpan]:
    """Yield the names in the view that a cue before or a title after gives away; spans may overlap."""
    yield from _after_cues(view)
    for title in _TITLE.finditer(view):
        start = _full_name_start(view, title.start())
        if start is None:
            start = _surname_start(view, title.start())
        if start is not None:
            yield MaskSpan(start, title.start(), NAME)
    for end in _ends_of_full_names(view):
        start = _full_name_start(view, end)
        if start is not None:
            yield MaskSpan(start, end, NAME)


def _after_cues(view: str) -> Iterator[MaskSpan]:
    for cue in _FIRM.finditer(view):
        yield from _listed(view, cue.end(), _firm_end(view, cue))
    for cue in _ROLE.finditer(view):
        yield from _listed(view, cue.end(), _name_end(view, cue.end(), strict=True))
    for said in _SURNAME_SAID.finditer(view):
        if _surname_size(view, said.start(1)) == len(said[1]):
            yield MaskSpan(said.start(1), said.end(1), NAME)


def _ends_of_full_names(view: str) -> Iterator[int]:
    """Yield where a full name may end: before a post (李四|副市长) and before the sex (张三丰|，男，)."""
    for post in _POST.finditer(view):
        if view.startswith("超市", max(0, post.start() - 1)):
            continue  # 某超市长期占道
        yield post.start() - view.startswith("副", max(0, post.start() - 1))
    for told in _SEX_TOLD.finditer(view):
        end = told.start()
        while end and view[end - 1] in ",，、 (":
            end -= 1
        yield end


def _firm_end(view: str, cue: re.Match[str]) -> int | None:
    at = cue.end()
    if not cue[0].startswith("敬礼") and not _CLOSING.isdisjoint(cue[1]):
        return None
    sure = _SURE.search(cue[0]) is not None
    end = _name_end(view, at, strict=False, sure=sure)
    if end is None and ":" in cue[0] and "名字" not in cue[0]:
        value = _OPEN_VALUE.match(view, at)
        if value and _is_open_value(value[0]):
            return value.end()
    return end


def _is_open_value(value: str) -> bool:
    """Say whether what fills the field of a form may be a name with a rare surname: not 不详, 日期, 王经理, 本公司."""
    if value[0] in SINGLE_SURNAMES and (_POST.search(value) or _TITLE.search(value)):
        return False
    if len(value) == 4 and value[0] not in SINGLE_SURNAMES:
        return False
    return not _UNKNOWN.match(value) and value[-1] not in _NEVER_LAST and _NEVER_GIVEN.isdisjoint(value)


def _listed(view: str, start: int, end: int | None) -> Iterator[MaskSpan]:
    """Yield a name and those listed after it: 业主代表万福生、段玉梅."""
    while end is not None:
        yield MaskSpan(start, end, NAME)
        if not _LISTED.match(view, end):
            return
        start, end = end + 1, _name_end(view, end + 1, strict=True)


def _name_end(view: str, at: int, *, strict: bool, sure: bool = False) -> int | None:
    """Return where the name that starts at ``at`` ends; None when none does.

    Args:
        view: The folded text.
        at: Where the name would start.
        strict: Demand a clear end: punctuation or a word that follows names (张三来电), and no word trap.
        sure: The cue leaves no doubt (姓名：), so that even 成功 or 向前 is taken for a name when its end is clear.
    """
    dotted = _DOTTED.match(view, at) if "·" in view[at : at + 8] else None
    if dotted:
        return _dotted_end(view, dotted)
    size = _surname_size(view, at)
    first = at + size
    if not size or view.startswith("总", first) or _POST.match(view, first + view.startswith("副", first)):
        return None
    if _TITLE.match(view, first):
        return first
    trapped = view[at : at + 2] in NAME_TRAPS
    if trapped and not sure:  # 经办人阳光明，is a name; 车主支付。is not
        whole = _is_given(view[first : first + 2], 2) and not _HAN.match(view, first + 2)
        return first + 2 if whole and not strict else None
    wordlike = size == 1 and view[at] in FUNCTION_SURNAMES
    if wordlike and strict and not _looks_given(view, first):
        return None
    end = _marked_end(view, first, strict=strict, doubtful=trapped or (wordlike and not sure))
    if end is None and not trapped and not view.endswith(_PLACE_CUES, max(0, at - 2), at):
        end = _typical_end(view, first, wordlike=wordlike)
    return end if end or strict or trapped or wordlike else _unmarked_end(view, first, sure=sure)


def _dotted_end(view: str, dotted: re.Match[str]) -> int | None:
    """End a name such as 买买提·艾力 before the words that follow it (在夜市 …)."""
    end = dotted.end()
    for at in range(view.rindex("·", 0, end) + 3, end):
        if _FOLLOWED.match(view, at):
            end = at
            break
    return None if _NO_PERSON.match(view, end) else end


def _marked_end(view: str, first: int, *, strict: bool, doubtful: bool) -> int | None:
    """Find the end of one or two given characters from ``first`` on where something that follows names comes next."""
    for given in (1, 2) if _FOLLOWED_BY_WORD.match(view, first + 1) else (2, 1):
        end = first + given
        if not _is_given(view[first:end], given):
            continue
        clear = not _HAN.match(view, end)
        if not clear and not (_FOLLOWED_BY_WORD if doubtful else _FOLLOWED).match(view, end):
            continue
        if view[end - 1] in _PLACE_END and (strict or not clear):
            continue
        return end
    return None


def _looks_given(view: str, first: int) -> bool:
    if GIVEN_CHARACTERS.issuperset(view[first : first + 2]):
        return True
    return view[first : first + 1] in PLAIN_GIVEN and not _HAN.match(view, first + 1)


def _typical_end(view: str, first: int, *, wordlike: bool) -> int | None:
    """Accept what is written like a given name whatever follows it: 村民张国强晕倒, 邻居李婷半夜唱歌."""
    given = view[first : first + 2]
    if len(given) == 2 and GIVEN_CHARACTERS.issuperset(given) and given[1] not in _PLACE_END:
        end = first + 2
        if wordlike and given[1] not in PLAIN_GIVEN:
            return None
    elif not wordlike and given and given[0] in PLAIN_GIVEN:
        end = first + 1
    else:
        return None
    return None if view[end : end + 1] in _PLACE_END or _NO_PERSON.match(view, end) else end


def _unmarked_end(view: str, first: int, *, sure: bool) -> int | None:
    """After a firm cue (我叫张三丰今天去…) take two given characters, one where the second is no part of a name."""
    if not _HAN.match(view, first):
        return first if sure else None
    if not _is_given(view[first : first + 1], 1):
        return None
    end = first + 2 if _is_given(view[first : first + 2], 2) else first + 1
    return None if view[end : end + 1] in _PLACE_END or _NO_PERSON.match(view, end) else end


def _surname_size(view: str, at: int) -> int:
    if view[at : at + 2] in COMPOUND_SURNAMES:
        return 2
    return 1 if view[at : at + 1] in SINGLE_SURNAMES else 0


def _is_given(chars: str, size: int) -> bool:
    if len(chars) != size or not all(_HAN.match(char) and char not in _NEVER_GIVEN for char in chars):
        return False
    return size == 1 or chars[-1] not in _NEVER_LAST


def _is_left_edge(view: str, at: int) -> bool:
    return at == 0 or not _HAN.match(view, at - 1) or view[at - 1] in _LEFT


def _full_name_start(view: str, end: int) -> int | None:
    """Return where the full name before a title starts (张小明|先生); None when there is none."""
    before = view[max(0, end - 16) : end]
    dotted = _DOTTED_BEFORE.search(before) if "·" in before else None
    if dotted:
        return end - len(dotted[0])
    for size in (4, 3, 2):
        start = end - size
        if (
            start < 0
            or view[start : start + 2] in NAME_TRAPS
            or view[end - 1] in _PLACE_END
            or not _is_left_edge(view, start)
        ):
            continue
        surname = _surname_size(view, start)
        given = size - surname
        if surname and 1 <= given <= 2 and _is_given(view[start + surname : end], given):
            if given == 1 and view[start] in FUNCTION_SURNAMES and surname == 1:
                continue  # 向王先生反映: a preposition and a surname
            return start
    return None


def _surname_start(view: str, end: int) -> int | None:
    """Return where the surname right before a title starts (欧阳|女士, 王|先生)."""
    if view[max(0, end - 2) : end] in COMPOUND_SURNAMES:
        return end - 2
    if end == 0 or view[end - 1] not in SINGLE_SURNAMES or view.startswith("康师傅", end - 1):
        return None
    if view[end - 1] in WORDLIKE_SURNAMES and not _is_left_edge(view, end - 1):
        return None
    return None if view[max(0, end - 2) : end] in _NOT_SURNAME else end - 1
