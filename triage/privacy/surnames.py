"""Chinese surnames, as a constant: the common single ones and the compound ones still borne today.

Written down after the population rankings that the Ministry of Public Security publishes and the Hundred Family
Surnames. Rare surnames that are everyday words (和, 但, 公, 国, 首 …) are left out: they would turn every second
sentence into a name.
"""

from __future__ import annotations

SINGLE_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许邓冯韩曹曾彭萧肖蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚"
    "卢傅钟姜崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦白江阎薛尹段雷黎史龙陶贺顾毛郝龚邵万钱严覃武莫孔向汤常温康"
    "施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗"
    "谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜"
    "冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官封谈匡鞠惠荆"
    "乐冀郁胥南班储燕楚鄢劳谌奚皮粟冼蔺楼满闻厉伊仝区郜阚花权强帅屠豆朴禹井巴支狄计索宣晋练戈伏鹿薄邸雍辜阿乌"
    "母裘修邰赫杭况那宿鲜印逯隆茹诺战慕危湛宾戎勾茅利於揭尉冶元檀幸植富闫代付洪侍盖祖初庹逄昌郗郤郇芮亓亢苍昝"
    "靖竺阙璩扈乜幺巢滑宓习"
)
"""Single surnames in simplified characters, incl. the variants 闫 (阎), 付 (傅), 代 (戴) that people really write."""

_COMPOUND = (
    "欧阳 司马 上官 诸葛 夏侯 东方 皇甫 尉迟 公孙 慕容 令狐 司徒 司空 长孙 宇文 轩辕 "
    "端木 独孤 南宫 西门 东郭 百里 呼延 闾丘 申屠 淳于 单于 太史 钟离 第五 澹台 公羊 "
    "赫连 濮阳 拓跋 鲜于 闻人 仲孙 南门 梁丘 左丘 东门 完颜 纳兰 爱新觉罗 叶赫那拉 "
)
COMPOUND_SURNAMES = frozenset(_COMPOUND.split())
"""Compound surnames in simplified characters."""

WORDLIKE_SURNAMES = frozenset(
    "于曾向时应常成全安方万包车路水连任单代付解关计师明南边况区强修那利元初明查管简满权花宣幸富练盖祖战用"
    "班阿房商沙盛官楼封谈支项储席"
)
"""Surnames that often end a word: before a title they count only at the left edge (保安|大爷, 市民|安大爷)."""

FUNCTION_SURNAMES = frozenset("于曾向时全区那利明代付修计用况强初查房商应车师楼边连安")
"""Surnames that mostly are grammar or ordinary words: a name that begins with one needs clearer signs of a name
(居民|区标识, 投诉人|于当日)."""

GIVEN_CHARACTERS = frozenset(
    "德文大明国家军华克生玉小林平志天光云海建夫金英道龙宝永正春晓达清士维靖峰立兰祥庆学新丽秀仁格荣君汉青民思"
    "福义蓉良昌城伟俊波河祖红兴飞阳树恩基敏杰振梅美凤方南松笑奇洛景朝宁贵普心瑞臣刚嘉才吉芳鲁少康真如书木田贤"
    "风希宇进雷远胜丹泽香花博宏顺广曼承兄力守法仲章惠燕辉湖孝绍雪伦信鹏秋星巴延铁虎素继时定白敬万泉智珍亮若仙"
    "灵圣培启鸿寿慧尚诗善邦陵玲斐勇登炳诚超群桂萍齐彦斌爱誉耀川修凯雅冰应崇昭源楚涛麟兆仪月杨莲娜宣亦双梁隆贞"
    "芬锦佩震雨古望蒙禄梦晋盛浩富岩坚菲溪朱毅奥珠岛静铭霞黄钧济鱼冠庭哲朗恒厚鹤语茂乾史温汝谷琴莉欣旭献柏丰孟"
    "谦勋碧琪衡佳旗乔营艳裕竹霖佐龄儒辅百烈戈湘怡炎翰姑宜库跃典翠战贾农彩奔婷琳辛节耳宾弘锋瑜丝爵赞均嗣娟妹柳"
    "亨焕卓旺班瑶轩露麦洁栋捷尊纪果慈彪舒艺汗翔深颖秦桢菊琦晶训骏艾藏羽慕藻禹翼琼虹默杜标豫育霍媛廉坡潮淳腾霸"
    "薇慎舜瑾墨沛婉韵仕徽淮斋雯植辰耕灿盈娃扶丕烟阵岸雁璋彭徵祺梨钰晴楠绪欢晨杏蔚根孙巧强权喜昊梓涵萱睿皓琛煜"
    "宸懿淇沐晗瑄妍钊锐铮钢鑫森焱磊淼垚炜烨烁煌坤垣埔堃增坦墙山岗岭峻嵩岚屹江津润涌洪浪淑渝湛溢滢漪潇澜濠芝芹"
    "苗茜茵荷莎莹菁萌葵蕊蕾薛藜兵刃利剑勤勉劲北升协卫印历友叔叶唐园圆堂夏妮姗姝姣娅娇娥娴婵媚嫣子孔季安宗官宽"
    "寒尔屏岳帅师常幼庄庚廷弟彤彬律徐微忠念怀恺悦慰懋成戎扬政旦昂昕映昱显晖暖曙朋村杭枝枫柱柯栓桃桐桥棠棣楷榕"
    "槐樱樵檀武水池沙沧泓泰泳洋浦涓淦渊滔满炯炼烽焦煊照熙燊爽牛玄玖环珂珊珏球理琅琥琰瑛璇璐甫甲睦石磐祉祎祐祝"
    "祯科程穆竞端笛筠筱箫米精紫纯纲练绮绢缘羚翊翎耘聪肇胤腊臻舟芊芙芮苏茹荃荔莘菡葆蒲蓓蓝蔓薪融衍西观诺谊谋谨"
    "豪贝贡赐赛越轶运连迅逸遐邑郁郎酉野钟钦铃银锁锡镇镜长门闯闻阁阔陆隽雄集雍霄霆韬韶顶频颜飘馨驰驹骁骐高魁鲜"
    "鸣鸽鹃麒黎黛鼎"
)
"""Characters that given names consist of; a name without a clear end must be made of them (村民张国强晕倒)."""

PLAIN_GIVEN = frozenset(
    "伟俊娟婷丽敏芳燕霞玲萍梅兰秀珍英琴洁莉艳刚磊鑫杰勇涛斌娜静丹鹏辉超军强健峰飞浩宇欣怡佳颖琳雪慧凯波亮龙虎"
    "宝宏志彬栋楠晨倩莹瑶薇媛玉芬菊桂淑惠珠翠雅芝凤琼勤贞莲真环荣爱妹香莺媚瑞凡嘉雷洋艺咏卿聪良平远丰澜纯毓悦昭冰爽琬"
    "茗羽宁飘育滢馥筠柔竹霭凝"
)
"""Characters that, after a surname, are far more often a one-character given name than the rest of a word."""
