"""Life in danger: words that a dispatcher would hand to 110, 119, 120 or 122 at once, without any model's score.

A missed danger can cost a life, a needless call to the fire brigade costs minutes. So a cue in a short call
without any sign against it is enough; signs of the present only make the finding certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from triage.rules.clauses import clause_before, is_denied, is_quoted, sentence
from triage.text.aligned import Span

_SHORT_CALL = 220
"""Characters. Nobody writes a long letter while the house is on fire; beyond this words of the present are needed."""

_LONG = 300
"""Characters. A longer letter tells of many people; suicide counts in it when the writer speaks of himself."""

_LETTER = 600
"""Characters. Beyond this only suicide counts: a farewell can be a long letter, a call for the fire brigade cannot."""


@dataclass(frozen=True, slots=True)
class Danger:
    """Somebody's life is in danger.

    Attributes:
        channel: 110, 119, 120 or 122.
        reason: Why, in Chinese, quoting the words that decided.
        span: Where those words stand in the text given.
        certain: The text says that it happens now; False: rhetorical (再不解决就跳楼), second-hand or undated.
    """

    channel: str
    reason: str
    span: Span
    certain: bool


@dataclass(frozen=True, slots=True)
class _Cue:
    """One kind of danger.

    Attributes:
        hint: Literal words one of which every match contains or stands next to; decides whether the cue is tried.
        open: Words that only count with a sign of the present (殴打, 车祸: mostly told afterwards).
        plain: Words that count unless something speaks against them (冒黑烟, 困在电梯里).
        vivid: Words that show the present by themselves (叫不醒, 追着打).
        lasts: It goes on until somebody comes, so a date (1月10日燃气泄漏) or 昨晚 does not end it.
    """

    channel: str
    because: str
    hint: re.Pattern[str]
    vivid: re.Pattern[str]
    plain: re.Pattern[str]
    open: re.Pattern[str]
    lasts: bool


_GAP = "[^。！？；!?;\n]"
_CLAUSE = "[^，。！？；,!?;\n]"
_NOTHING = "(?!)"
_PERSON = (
    "(?:人|小孩|孩子|宝宝|娃|儿童|婴儿|学生|男孩|女孩|女的|男的|女子|男子|老太|大爷|爷爷|奶奶|老头|妇女|孕妇|司机|工友|乘客|游客|驴友"
    "|母亲|父亲|爸|妈|老婆|老公|女儿|儿子|孙子|爱人|业主|住户|居民|同事|我)"
)
_HEIGHT = "(?:楼顶|天台|顶楼|栏杆|护栏|塔吊|吊塔|吊车|信号塔|铁塔|电塔|桥边|桥上|窗台|窗外|阳台外|楼边|广告牌)"
_WEAPON = "(?:刀|枪|钢管|铁锹|铁棍|木棍|棍|酒瓶|砖头|斧|匕首|锄头|械)"


def _cue(  # noqa: PLR0913 - one row of a table
    channel: str,
    because: str,
    *,
    hint: str,
    vivid: str = _NOTHING,
    plain: str = _NOTHING,
    told: str = _NOTHING,
    lasts: bool = False,
) -> _Cue:
    return _Cue(
        channel,
        because,
        re.compile(hint),
        re.compile(vivid),
        re.compile(plain),
        re.compile(told),
        lasts,
    )


_SUICIDE_WORD = (
    "(?:跳楼|跳河|跳江|跳海|跳桥|跳下|跳水库|自杀|轻生|自尽|自焚|上吊|寻死|寻短见|结束(?:自己的?|我的)?生命|喝农药|喝药|割腕|去死)"
)
_SUICIDE = _cue(
    "110",
    "有轻生表示，需立即核实施救",
    hint=r"不想活|不想再活|活不下去|一了百了|遗书|遗言|绝笔|永别|诀别|下辈子|来世|自杀|轻生|自尽|自焚|上吊|寻死|寻短见|跳[楼河江海桥下]|跳水库"
    r"|要跳|去死|死给|死了算|生命|结束|割腕|割脉|农药|百草枯|敌敌畏|安眠药|喝药|下跳|跳下|栏杆|塔吊|一起走|一起死|死在|天台|楼顶|[湖河江海水深][里边处中]?里?走|撑不下去|活着|走了算|吃下去",
    vivid=rf"(?:站|坐|爬|翻|蹲|骑){_CLAUSE}{{0,8}}{_HEIGHT}{_GAP}{{0,24}}(?:跳|不下来|往下|轻生|自杀|哭)"
    rf"|{_HEIGHT}{_CLAUSE}{{0,8}}(?:站|坐|爬|蹲)(?:着|了)?{_CLAUSE}{{0,6}}人"
    r"|(?:往|朝|向)(?:湖|河|江|海|水|深)[^，。]{0,4}走(?!廊)|(?:我|人)(?:已经|就|现在)?(?:站)?在(?:天台|楼顶|桥边|大桥)上?了?|正在(?:跳楼|轻生|自焚|割腕|自杀)"
    r"|(?:留|写)(?:了|下|好)?(?:了)?(?:一封|封)?遗书|遗书(?:已经?)?(?:写好|放在|在|留)|(?:绝笔|永别了)"
    r"|割(?:了)?(?:腕|脉)(?:了)?|(?:药|安眠药)(?:已经|都|全)?(?:吃下去|吞下去|吃了|吞了)|(?:安眠药|农药)(?:已经|都)?(?:买好|准备好)"
    r"|打算结束(?:这)?(?:一切|生命)|下辈子再(?:报答|做|还)|(?:开了?|拧开)煤气[^。]{0,8}死",
    plain=r"(?:我|其|他|她|真的|实在|都|也|就)(?:真的)?(?:已经)?(?:也)?不想(?:再)?活(?:了|着|下去)?|^不想活"
    rf"|{_PERSON}{_CLAUSE}{{0,16}}(?:想|要|准备|欲|打算|企图|扬言|声称|说|倾向|闹着|只能|只好|就){_CLAUSE}{{0,8}}{_SUICIDE_WORD}"
    rf"|(?:再不|不(?:给|解决|处理|还|发)|否则|只有|只能|只好|逼得?|今天){_GAP}{{0,24}}(?:我|就|去|得|要)?{_CLAUSE}{{0,10}}{_SUICIDE_WORD}"
    r"|(?:想|要|就)(?:一起)?(?:去)?(?:从[^，。]{0,8})?(?:跳楼|跳下去|跳下来|跳河|自杀|轻生|自焚|上吊|跳桥|跳江)|跳楼倾向|(?:声称|扬言|威胁)(?:说)?(?:要)?(?:去)?(?:跳楼|跳河|跳江|跳海|跳桥|自杀|自焚|喝农药|上吊)|轻生(?:念头|的?想法|倾向)"
    r"|死给[^，。]{1,6}看|死了算了|走了算了|一了百了|死在(?:你们|政府|镇政府|区政府|市政府|信访|售楼)|(?:带着?|和|跟)[^，。]{1,6}一起(?:走|死)"
    r"|撑不下去[^。]{0,12}(?:死|走|想|遗)|(?:我|真的|实在)[^，。让使]{0,4}活不下去|活着(?:真的?)?(?:太累|没意思|没意义|没有意义)",
    lasts=True,
)
_NO_SUICIDE = re.compile(
    r"跳楼(?:价|机|大|促|清仓|甩)|(?:自杀|跳楼|轻生|自焚)(?:身亡|死亡|的新闻|未遂|事件|案)|心理讲座|死在(?:家|医院)里?多"
    r"|安全绳|企业|公司活不下去"
)
_HEARSAY = re.compile(r"网传|网上传|听说|谣言|新闻|电视|电影|小说|游戏|防止|预防|避免|建议")
_FIRST = re.compile(r"我|本人|自己")
_IDIOM = re.compile(r"一了百了|走了算了")
_FIRST_PERSON = re.compile(r"我|自己|活|死|孩子")
_RHETORIC = re.compile(r"再不|否则|不然|逼|只有|只能|难道|是不是|非要|非得|才(?:能|会|肯)|威胁|扬言|声称|你们|谁|不给|不解决")

_DANGERS = (
    _cue(
        "120",
        "有人伤病垂危，需立即急救",
        hint=r"晕|昏|呼吸|喘|叫不醒|抽搐|白沫|休克|出血|流血|骤停|中毒|上吐下泻|羊水|卡[了住]|胸口|不行了|呻吟|百草枯|农药|敌敌畏|老鼠药|安眠药|药已经|药都|不省人事|瘫倒|救护车",
        vivid=rf"叫不醒|(?:喝|服)(?:下|了|下了)(?:农药|百草枯|敌敌畏|老鼠药)|(?:吞|服|吃)(?:了|下)(?:很多|一瓶|整瓶|一把)?安眠药"
        rf"|药(?:已经|都|全)+(?:吃|吞)(?:下去)?了|不省人事|口吐白沫|没有?(?:了)?呼吸|心脏骤停|快不行了|喘不[上过](?:来)?气(?!的){_GAP}{{0,20}}(?:快来|救)|脸都?(?:紫|青)了"
        rf"|(?:突然|刚才|刚刚|有人|老人|大爷){_CLAUSE}{{0,10}}(?:晕倒|昏倒|倒地|昏迷|倒下|瘫倒|抽搐|休克|胸口[^，]{{0,4}}疼)"
        rf"|(?:一直|不停|大量){_CLAUSE}{{0,4}}(?:流血|出血)|昏(?:过去|倒|迷)(?:了)?{_GAP}{{0,8}}(?:快|救|叫)"
        rf"|(?:敲门|没人应){_GAP}{{0,16}}呻吟|听到{_CLAUSE}{{0,8}}呻吟|羊水破|(?:叫|打)(?:不到)?(?:120|救护车){_GAP}{{0,12}}(?:没来|还没|快|没人)",
        plain=rf"(?:(?:十|几|多|数)+(?:几|多|个|名)*|\d+[个名]|[二两三四五六七八九十]+[几多]?[个名]){_GAP}{{0,12}}(?:上吐下泻|呕吐|中毒|晕倒)"
        r"|(?:喉咙|气管|嗓子)卡|(?:人|老太|老头|大爷|男子|女子|工友|奶奶|爷爷)[^，。]{0,6}倒在[^，。]{0,8}(?:路边|地上|抽搐|家)",
        told=r"晕倒|昏倒|昏迷不醒|昏过去|休克|大出血|呼吸困难|口吐白沫|食物中毒|抽搐",
    ),
    _cue(
        "122",
        "道路交通事故有人受伤，需交警和急救到场",
        hint=r"车祸|交通事故|撞|相撞|翻了|侧翻|追尾",
        vivid=rf"(?:撞(?![烂坏击])|车祸|事故|侧翻|翻车|车翻){_GAP}{{0,30}}(?:躺在|不动|没人敢动|卡在|压住|昏迷|动弹不得|被压)"
        rf"|(?:刚刚?|刚才|正|现在){_GAP}{{0,12}}(?:撞|车祸|事故){_GAP}{{0,30}}(?:受伤|流血|伤者|重伤|腿断|人)",
        plain=rf"(?:撞车|校车翻|大巴翻|客车翻|侧翻|车祸|被撞飞){_GAP}{{0,16}}(?:受伤|流血|伤者|死|重伤|昏迷)|撞飞了",
        told=rf"(?:车祸|交通事故|撞车|相撞|被车撞|被撞|撞倒|撞伤){_GAP}{{0,20}}(?:受伤|伤者|流血|伤亡|昏迷|伤势|重伤)",
    ),
    _cue(
        "119",
        "有人落水或被水围困，需立即救援",
        hint=r"落水|溺水|水里|湖里|河里|海里|江里|水库|池塘|鱼塘|野塘|掉(?:进|下|到|入)|卷走|冲走|洪水|水还在涨|沉下去|扑腾|深处",
        vivid=rf"快沉|人[^，。]{{0,6}}沉下去|在[^，。]{{0,6}}扑腾"
        rf"|(?:水里|水中|河里|湖里|江里|海里){_GAP}{{0,10}}(?:喊|挣扎|救)|(?:被)?(?:浪|水|洪水)(?:卷|冲)走",
        plain=rf"(?:有|小孩|孩子|男孩|女孩|老人|人){_CLAUSE}{{0,12}}(?:落水|溺水|掉(?:进|到|下|入)(?:了)?(?:水|河|湖|江|海|池塘|水库|鱼塘))"
        rf"|(?:水库|河|江|湖|海|池塘|塘){_CLAUSE}{{0,8}}{_PERSON}{_CLAUSE}{{0,6}}(?:掉下|落水|溺水)|(?:车|人){_CLAUSE}{{0,12}}(?:冲|掉|开|翻)(?:进|入|到)(?:了)?(?:池塘|河|湖|水库|江|水塘|沟里)"
        rf"|(?:游泳|玩水){_CLAUSE}{{0,6}}不见|困在(?:屋顶|水中|洪水)",
    ),
    _cue(
        "119",
        "有人被困，需消防救援",
        hint=r"困|反锁|卡[在住]|锁在|埋|掉(?:进|下|到|入)|压住|出不来|打不开|停在半空",
        vivid=rf"(?:孩子|宝宝|小孩|老人|孙子|娃|婴儿){_GAP}{{0,24}}(?:反锁|锁在(?:里面|车|屋|家|房))|反锁{_GAP}{{0,8}}(?:孩子|宝宝|老人|小孩|娃){_GAP}{{0,8}}(?:里面|屋|在)"
        rf"|电梯{_GAP}{{0,20}}(?:里面|里){_CLAUSE}{{0,4}}(?:困|有){_GAP}{{0,12}}{_PERSON}"
        rf"|(?:头|手|脚|腿){_CLAUSE}{{0,4}}卡(?:在|住|进){_GAP}{{0,12}}(?:拔|出不来|取不)|(?:车|门){_CLAUSE}{{0,4}}打不开{_GAP}{{0,8}}(?:人|里面)"
        rf"|掉(?:进|到|下|入)(?:去|了)?{_GAP}{{0,12}}(?:下面喊|哭声|井|在喊|求救)|(?:人|工人){_CLAUSE}{{0,4}}(?:埋|压)在(?:下面|里面|土)",
        plain=rf"(?:被困|困(?:在|于)){_CLAUSE}{{0,20}}(?:电梯|楼|屋|车|山|货梯|井|洞|房)|被困(?:了|{_CLAUSE}{{0,6}}电梯)"
        rf"|电梯(?:里|内)?{_CLAUSE}{{0,4}}(?:还)?(?:被)?困(?:着|了|人|住)|掉(?:进|到|入|下)(?:了)?{_CLAUSE}{{0,8}}(?:井|坑|洞|沟)"
        rf"|(?:压住|埋(?:了|住|在)){_CLAUSE}{{0,6}}(?:人|司机|工人|腿)|电梯{_CLAUSE}{{0,6}}(?:卡|停)在{_GAP}{{0,12}}{_PERSON}",
    ),
    _cue(
        "119",
        "火情，需消防救援",
        hint=r"着火|起火|失火|火灾|火势|火苗|火光|明火|烧着|烧起来|自燃|浓烟|黑烟|好大的烟|冒烟|冒很大的烟|大火",
        vivid=r"(?<![不随])着火(?:了|啦)|火苗|火光|烧起来了|烧着了|(?:好大|很大|全是|都是)的?(?:浓|黑)?烟|浓烟(?:冒|滚)|火势|自燃了?|正在(?:着火|燃烧|起火)|大火",
        plain=r"(?<![不随])着火(?![车锅力])|(?<![\d一二三四五六七八九十两几多])起火|失火(?!案)|(?:发生|出现|放生|突发)火灾|浓烟|黑烟|有明火",
    ),
    _cue(
        "119",
        "可燃或有毒气体泄漏，需消防和燃气抢修",
        hint=r"煤气|燃气|天然气|液化气|氨气|化工厂|沼气|氯气",
        vivid=rf"(?:煤气|燃气|天然气|液化气){_CLAUSE}{{0,6}}味{_GAP}{{0,30}}(?:头晕|头有点晕|快来|马上|立即|关不上)|(?:挖|撞|压)(?:断|破|爆)了?{_CLAUSE}{{0,6}}(?:燃气|煤气|天然气)"
        rf"|(?:燃气|煤气|天然气)管?{_CLAUSE}{{0,6}}(?:挖|撞|压)(?:断|破|爆|坏)|(?:煤气|一氧化碳|燃气)中毒",
        plain=rf"(?:煤气|燃气|天然气|液化气|氨气|沼气|氯气|化工厂){_CLAUSE}{{0,6}}(?:泄[漏露]|漏气|爆裂|破裂|断裂)|(?:有|闻到|股|很浓|浓|重)的?{_CLAUSE}{{0,6}}(?:煤气|燃气|天然气)(?:的)?(?:味|气味)"
        r"|(?:煤气|燃气|天然气)味(?:道)?(?:非常|很|特别|好)?(?:浓|重|大)",
        lasts=True,
    ),
    _cue(
        "119",
        "发生爆炸，需消防救援",
        hint=r"爆炸|炸了",
        vivid=r"(?:刚才|刚刚|突然|现在|砰)[^。！？\n]{0,16}(?:爆炸|炸了)|爆炸了",
        plain=r"(?:发生|变压器|仓库|锅炉|煤气罐|电动车|电瓶|化工厂|工厂)[^，。！？\n]{0,8}爆炸|爆炸[^，。！？\n]{0,4}(?:伤|死|震)",
    ),
    _cue(
        "119",
        "坍塌或坠落危及人身，需救援",
        hint=r"塌|垮|滑坡|倒了|掉砖|塔吊|脚手架|开裂|裂开",
        vivid=rf"(?:塌|垮|倒){_GAP}{{0,14}}(?:压住|埋|砸)(?:了|着|在)?{_GAP}{{0,6}}(?:人|车|工人|老人)?|(?:塌|陷){_GAP}{{0,30}}(?:人还在|人在|掉进|掉下去)"
        rf"|滑坡{_GAP}{{0,12}}(?:埋|压(?:住|着|在))|(?:刚刚|正在|现在|还在){_GAP}{{0,16}}(?:掉砖|垮|坍塌|塌下)",
        plain=rf"(?:房子?|楼|墙|桥|脚手架|塔吊){_CLAUSE}{{0,6}}(?:塌了|垮了|坍塌|倒塌|倒了|歪了){_GAP}{{0,30}}(?:里面|下面|有|住|压|埋){_CLAUSE}{{0,8}}(?:人|老|工)",
    ),
    _cue(
        "119",
        "有人触电或带电线路断落",
        hint=r"漏电|触电|电住|电倒|电到|电线|高压线|供电线",
        vivid=r"(?:人|孩|工人|他|她)[^，。]{0,8}(?:触电|被电(?:倒|住|到))|被电(?:倒|住)了?|滋滋|电线[^。]{0,12}冒火花",
        plain=rf"(?:高压线|高压电线|供电线){_CLAUSE}{{0,8}}(?:断了|断落|掉(?:在|落|下)|破损掉落)|(?:路灯|灯杆|广告牌|公交站|积水|电杆){_CLAUSE}{{0,8}}漏电",
        told=r"漏电",
        lasts=True,
    ),
    _cue(
        "110",
        "违法侵害或人身危险正在发生",
        hint=r"打架|斗殴|互殴|殴打|围殴|拳打|打起来|打老婆|打女|打了?我|打人|打我|在打|着打|家暴|喊救命|救命|砍|捅|刀|枪|持械|抢劫|行凶|打砸|劫持|绑架|拘禁"
        r"|砸(?:门|我家|窗)|踹|撬|尾随|弄死|汽油|不让(?:我|他们|她)?(?:走|出)|赎金|传销|拽上|被人关|露出下体|毁坏|踩倒|踩踏|挤成一团",
        vivid=rf"(?:拿|持|挥|掏|提)(?:着|了)?{_CLAUSE}{{0,3}}{_WEAPON}{_GAP}{{0,14}}(?:追|砍|捅|打|砸|踹|威胁|堵)|还在追|追着打|喊救命|(?:正在|又在|现在){_GAP}{{0,12}}(?:打架(?!子)|打人|殴打|斗殴|互殴|行凶|抢劫|砍人|施暴|围殴|持刀|打老婆|打我)"
        rf"|(?:砸|踹|撬){_CLAUSE}{{0,6}}(?:门|窗|锁){_GAP}{{0,24}}(?:弄死|躲|不敢|发抖|一个人|碎)|(?:泼|浇)(?:了)?汽油|掏(?:出)?刀|打起来了|不敢出声"
        rf"|(?:锁|关|困){_GAP}{{0,10}}不让{_CLAUSE}{{0,3}}(?:走|出)|不让(?:我|他们|我们)?走{_GAP}{{0,10}}救|传销[^#]{{0,80}}(?:限制(?:了)?人身自由|困在里面)|赎金|(?:硬|强行|被)(?:拽|拖|拉)(?:上|进)(?:面包)?车"
        rf"|尾随{_GAP}{{0,24}}(?:门口|现在|楼道)|被(?:绑架|劫持|追砍)|围着{_CLAUSE}{{0,10}}(?:打|拳打)|刀都?拿出来|被人?踩(?:倒|踏)|发生踩踏|(?:正|现)在{_CLAUSE}{{0,10}}露出下体",
        plain=rf"有(?:人|个|两|几|一|名|七|八|十){_CLAUSE}{{0,16}}(?:持刀|持械|持枪|拿刀|打架|斗殴|捅人|砍人|行凶|抢劫|打砸)|(?:两|几|多|数)(?:伙|帮|拨|个|名)人?{_CLAUSE}{{0,12}}(?:打架|斗殴|互殴|对打)"
        rf"|(?:男|丈夫|老公|前夫|男友|爱人){_CLAUSE}{{0,8}}打(?:女|我|老婆)|(?:一|名){_CLAUSE}{{0,4}}(?:男子|女子|人){_CLAUSE}{{0,4}}(?:持刀|持械|行凶|抢劫|露出下体)",
        told=r"打架(?!子)|斗殴|互殴|殴打|围殴|家暴|持刀|拿刀|菜刀|砍人|打砸|抢劫|非法拘禁|撬门|撬锁|砸门|踹门|露出下体|打起来",
    ),
    _cue(
        "110",
        "有人走失或失踪，需立即查找",
        hint=r"走失|走丢|失踪|不见了|离家出走|失联|没回来|未归|联系不上",
        vivid=rf"(?:小时|分钟)前{_GAP}{{0,14}}(?:不见|走失|走丢)|(?:离家出走|失踪|走失|走丢){_GAP}{{0,20}}(?:至今未|到现在|还没|仍未)",
        plain=r"(?:孩|老人|男童|女童|女儿|儿子|母亲|父亲|爸|妈|岁|爷爷|奶奶|弟弟|妹妹|爱人|外婆|外公|妻子|学生)"
        rf"{_GAP}{{0,24}}(?:走失|走丢|失踪|离家出走|出门{_GAP}{{0,16}}(?:没回来|未归))"
        rf"|(?:孩|男孩|女孩|童|娃|宝宝|老人|儿子|女儿|母亲|父亲|爸|妈|爷爷|奶奶|老公|老婆|岁|学生)[^，。！？；\n将把的]{{0,14}}不见了|(?:今天|今早|上午|下午|早上){_CLAUSE}{{0,6}}出门{_GAP}{{0,16}}(?:没回来|未归)",
        lasts=True,
    ),
    _cue(
        "110",
        "动物正在伤人",
        hint=r"追着人咬|咬伤|马蜂|毒蛇|眼镜蛇|疯狗|狗在",
        vivid=r"追着(?:人|孩子|路人)[^，。]{0,2}咬|(?:疯狗|狼狗|恶犬|野猪)[^，。]{0,10}(?:正在|还在|到处|追)[^，。]{0,6}(?:咬|人)|马蜂[^。]{0,6}(?:围|蜇)[^。]{0,10}(?:倒|救|人)",
        plain=r"(?:进|爬进|发现)[^，。]{0,8}(?:眼镜蛇|毒蛇)",
    ),
)

_HINT = re.compile("|".join([_SUICIDE.hint.pattern, *(cue.hint.pattern for cue in _DANGERS)]))

# What shows the present anywhere in a short call.
_PRESENT = re.compile(
    r"现在|正在|此[刻时]|目前|刚刚|刚才|刚(?=发生|被|有|从)|马上|赶紧|赶快|快来|快点|快报警|快叫|尽快派|救命|紧急|救我|救救|求救|求求|求你|分钟前|立即|立刻|速来|仍在"
    r"|还在|又在|来人|派人|派警|报警了|今[早晚天日]|突然|不敢出声|请消防|在场的?都|快沉|到场|怎么办啊|喊救"
)
# Calls for somebody to come; a long text needs one beside the cue.
_PLEA = re.compile(r"快来|赶快|赶紧[来派救叫]|救命|救救|马上派|立即派|来人|求求")
# Over, dated before today, or habitual.
_PAST = re.compile(
    r"去年|前年|上次|上个?月|上周|上个?星期|前[天日晚]|前几[天日]|之前|以前|曾|当时|那[天次年时]|此前|前段时间|先前|原先|早年|事后|后来|年前|多年"
    r"|(?:19|20)\d\d年(?!\d)|昨[天日]|经常|多次|几次|好几次|每[天次晚到年]|有时|总是|长期|不时|屡次|常年|时常|一直以来|惨案|几乎天天|天天"
    r"|有过|出过|发生过|急救室|送医|来电感谢|来电撤销|及时才|才扑灭|身亡|遇难|去世|死亡|死者|已经?被?(?:处理|扑灭|扑救|恢复|送医|送往|去世|获救|救出|找到|归案)|找到了|康复|后遗症"
)
_DATED = re.compile(r"\d{1,2}月份?\d{0,2}[日号]?|昨[晚夜]|凌晨")
# What might be; in the clause before the cue (如果着火, 容易引发火灾) …
_SUPPOSED = re.compile(
    r"如果|要是|万一|假如|假设|一旦|倘若|若是|以免|避免|防止|杜绝|预防|容易|可能|恐怕|会不会|担心|怕(?!我)|是否|有没有|随时|将会|会导致|会发生|导致|引发|引起|防"
    r"|比如|例如|像|似的|简直|差点|险些|涉嫌|一但|难道"
)
# … or right behind it (火灾隐患, 着火怎么办, 发生火灾无处可逃).
_MIGHT = re.compile(r"[^。！？；\n]{0,4}(?:隐患|风险|危险|可能|事故多发)|[^。！？；\n]{0,10}(?:怎么办|后果|不堪设想|无处|谁负责|谁来)")
# Exercise, hearsay, enquiry or advice anywhere in the sentence.
_GENERAL = re.compile(
    r"演练|演习|宣传|讲座|知识|听说|网传|网上传|据说|谣言|新闻|电视|电影|小说|促销|游戏|海报|建议|希望(?:加|设|安|增|严)|应该|应当|加强|请问|咨询|认定|标准|不实"
)
# The matter is what came after: blame, money, an officer's conduct.
_AFTERMATH = re.compile(
    r"赔|道歉|责任认定|事故认定|认定书|立案|不作为|态度|索赔|医药费|医疗费|补贴|医保|报销|鉴定|调解|拘留|判|追究|抚恤|结案|笔录|没钱|出结果|逃逸|保险|垫付|查处"
    r"|进展|急救室|送医|送(?:到|往|去)?(?:了)?医院|住院|致使|给(?:个|一个)?说法|不受理|不处理|处理结果|处理不|答复|负责人|清扫|清理|修理费|维修费|损失|工伤|投诉|不合理|销案|感谢|表扬|锦旗|退款"
)
_ODD = re.compile(
    r"跳楼价|烧烤摊?的?烟|超标|排放|停产|火锅|鞭炮|烟花爆竹|烟囱|油烟|焚烧|烧(?:东西|垃圾|秸秆)|狗于|烧烤[^。]{0,8}冒烟|宠物|[狗猫犬][^，。]{0,6}(?:走失|不见)|砍(?:树|伐|价|掉)|刀(?:削面|具)|手机卡|哈士奇"
)

_TRADE = re.compile(
    r"污染|排(?:出|放|黑|浓)|常常|整天|滚滚无|刺激性|刺鼻|臭|锅炉|24小时|(?:砖|机碳|炭|加工|搅拌)厂|烟筒|烟囱|焚烧|烧烤|油烟|昼夜|每天"
)


def life_danger(text: str) -> Danger | None:
    """Find words that say somebody's life is in danger.

    Args:
        text: The normalised, masked text, title included.

    Returns:
        The most certain finding, suicide first among equals; None if nothing calls for an emergency number.
    """
    if _HINT.search(text) is None:
        return None
    doubtful: Danger | None = None
    for found in _findings(text):
        if found.certain:
            return found
        doubtful = doubtful or found
    return doubtful


def _findings(text: str) -> Iterator[Danger]:
    if _SUICIDE.hint.search(text):
        yield from _suicides(text)
    if len(text) > _LETTER:
        return
    now = _PRESENT.search(text) is not None
    for cue in _DANGERS:
        if cue.hint.search(text):
            yield from _dangers(text, cue, now=now)


def _suicides(text: str) -> Iterator[Danger]:
    for pattern, sure in ((_SUICIDE.vivid, True), (_SUICIDE.plain, False)):
        for match in pattern.finditer(text):
            around = sentence(text, *match.span())
            if _NO_SUICIDE.search(around) or _PAST.search(around) or is_quoted(text, match.start()):
                continue
            if len(text) > _LONG and not _FIRST.search(around):
                continue
            if _IDIOM.search(match[0]) and not _FIRST_PERSON.search(around):
                continue
            if is_denied(text, match.start()) or _told_by_others(around):
                continue
            certain = sure or (_PRESENT.search(around) is not None and _RHETORIC.search(around) is None)
            yield _found(_SUICIDE, match, certain=certain)


def _told_by_others(around: str) -> bool:
    """Say whether the sentence reports, asks or advises (网传有人跳楼, 建议加装护栏防止轻生)."""
    return _HEARSAY.search(around) is not None


def _dangers(text: str, cue: _Cue, *, now: bool) -> Iterator[Danger]:
    short = len(text) <= _SHORT_CALL
    for match in cue.vivid.finditer(text):
        if _stands(text, cue, match, vivid=True) and (short or _pleads(text, match)):
            yield _found(cue, match, certain=True)
    for match in cue.plain.finditer(text):
        if _stands(text, cue, match, vivid=False) and (short or (cue.lasts and len(text) <= _LONG) or _pleads(text, match)):
            yield _found(cue, match, certain=_PRESENT.search(sentence(text, *match.span())) is not None)
    if now and short:
        for match in cue.open.finditer(text):
            if _stands(text, cue, match, vivid=False):
                yield _found(cue, match, certain=False)


def _is_smoke_of_a_trade(text: str, match: re.Match[str]) -> bool:
    """Say whether the smoke is a chimney's (砖厂整天浓烟滚滚, 锅炉排黑烟)."""
    return "烟" in match[0] and _TRADE.search(text) is not None


def _pleads(text: str, match: re.Match[str]) -> bool:
    return _PLEA.search(sentence(text, *match.span())) is not None


def _stands(text: str, cue: _Cue, match: re.Match[str], *, vivid: bool) -> bool:
    """Say whether nothing speaks against the match. ``vivid``: the words show the present by themselves."""
    start, end = match.span()
    around = sentence(text, start, end)
    if is_denied(text, start) or is_quoted(text, start) or _ODD.search(around) or _MIGHT.match(text, end):
        return False
    if _PAST.search(around) or _GENERAL.search(around) or _SUPPOSED.search(clause_before(text, start)) or _is_smoke_of_a_trade(text, match):
        return False
    present = _PRESENT.search(around) is not None
    if _DATED.search(around) and not (cue.lasts or present):
        return False
    return cue.lasts or (vivid and present) or _AFTERMATH.search(text) is None


def _found(cue: _Cue, match: re.Match[str], *, certain: bool) -> Danger:
    quote = match[0] if len(match[0]) <= 30 else f"{match[0][:14]}…{match[0][-14:]}"
    return Danger(cue.channel, f"“{quote}”：{cue.because}", Span(*match.span()), certain)
