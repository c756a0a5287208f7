"""Words for what no operation does: painting, going back, advice, and talk. Written as operations write theirs."""

from types import MappingProxyType

# What is painted whatever else is wanted.
PAINTED = """
    en: painting, watercolo*, oil painting, sketch*, cartoon*, anime, manga, comic*, pencil draw*, drawing, charcoal,
    en: van gogh, monet, picasso, ghibli, pixar, lego, pixel art, cyberpunk, superhero, 3d render, style of, clay
    en: mural
    en: snow*, paint*, sculpture, stained glass, illustration, origami
    de: aquarell*, gemalde, olgemalde, skizze*, zeichn*, bleistift*, comic*, manga, anime, im stil von, stil von
    de: ol auf
    de: van gogh, monet, picasso, ghibli, schnei*, schnee*, male, mal*, karikatur, illustration, wasserfarben, olbild
    fr: aquarelle, peinture, pein*, dessin*, croquis, bande dessinee, bd, manga, anime, dans le style de, style de,
    fr: fusain, huile, ghibli, picasso, monet, van gogh, neige*, caricature, illustration, cartoon, crayon
    es: acuarela, pintur*, pint*, oleo, dibuj*, boceto, caricatura, comic*, manga, anime, estilo de, ghibli, picasso,
    es: monet, van gogh, nev*, nieve, carboncillo, ilustracion, lapiz, cartoon
    zh: 油画, 水彩, 水墨, 素描, 漫画, 卡通, 动漫, 画成, 下雪, 雪景, 梵高, 莫奈, 毕加索, 吉卜力, 宫崎骏, 像素风
    zh: 赛博朋克, 插画, 国画, 手绘, 铅笔画, 二次元, 画一
    ja: 油絵, 水彩, 水墨画, スケッチ, 漫画, アニメ, 鉛筆画, 描, イラスト, ゴッホ, モネ, ピカソ, ジブリ, 雪
    ja: ピクセルアート, 浮世絵, マンガ, デッサン
"""
# What is painted where no operation is meant beside it.
CHANGED = """
    en: add, put, insert, place, replac*, swap, chang*, turn into, giv*, remov*, eras*, delet*, take out, get rid
    en: make look
    en: make him, make her, make them, wear*, dress, style, night, sunset, sunrise, winter, summer, autumn, spring
    en: rain*
    en: blend, extend, expand, generat*, imagine, transform, become, photoshop
    de: fuge, fug*, hinzu*, setz*, ersetz*, tausch*, andere, verwandel*, verwandle, gib, entfern*, losch*, weg, stil
    de: nacht
    de: sonnenuntergang, winter*, herbst*, sommer*, fruhling*, regn*, regen*, lass, zieh, mach aus, erweiter*
    de: erganz*, aufsetz*
    fr: ajout*, met*, remplac*, chang*, transform*, donn*, enlev*, supprim*, effac*, style, nuit, coucher de soleil
    fr: hiver
    fr: automne, ete, printemps, pluie, fais, echang*, agrandi* decor, habill*
    es: anad*, agreg*, pon*, reemplaz*, sustituy*, cambi*, convier*, dale, quit*, elimin*, borr*, estilo, noche,
    es: atardecer, invierno, otono, verano, primavera, lluvia, transform*, viste*, haz que, mete*
    zh: 加, 添, 换成, 换, 变成, 替换, 改成, 去掉, 去除, 删, p掉, p上, 抹掉, 移除, 消除, 风格, 夜晚, 夜景, 日落, 黄昏
    zh: 冬天, 秋天, 春天, 夏天, 下雨, 戴, 穿, 放
    ja: 追加, 加え, 足し, 置き換え, 変えて, 変更, 消, 取り除, 除去, 削除, 風に, 夜, 夕焼け, 夕日, 冬, 秋, 春, 夏, 雨
    ja: かぶせ, 着せ, 入れ, 置い, 合成, 生や
"""
UNDONE = """
    en: undo, go back, revert, take that back, take it back, previous version, before that
    de: ruckgangig, geh* zuruck, mach* zuruck, vorherige version
    fr: annul*, reviens, revenir, version precedente
    es: deshaz*, deshacer, vuelve atras, volver atras, version anterior
    zh: 撤销, 撤回, 返回上一步, 上一步, 回到上一, 还原
    ja: 元に戻, 取り消, 一つ前, 戻して, アンドゥ, やり直し前
"""
REDONE = """
    en: redo, do it again, do that again
    de: wiederhol*, wiederherstell*
    fr: retabli*, refai*
    es: rehaz*, rehacer
    zh: 重做, 恢复
    ja: やり直, リドゥ, もう一度やって
"""
ADVISED = """
    en: suggest*, idea*, advice, advise, tip, tips, recommend*, what could be better, how improve, how could improv*,
    en: improve how, what would you, what do you think, what should, any improvement*, feedback, critique
    en: what change
    en: how better, what is missing, what can be improved, help me improve, opinion, what can i do, what else
    en: could look better
    de: anregung*, vorschlag*, vorschlage, schlag* vor, tipp*, idee*, empfehl*, empfiehl*, rat, ratschlag*
    de: was wurdest du
    de: was kann besser
    de: wie besser, was konnte, verbesserungsvorschlag*, was meinst, feedback, was sollte, was lasst sich verbesser*
    de: wie verbesser*, was wurde
    fr: suggestion*, sugger*, conseil*, idee*, propos*, recommand*, tu changerais, que changer, ameliorer comment
    fr: comment ameliorer
    fr: qu en penses, avis, que ferais, que pourrais, qu est ce qu ameliorer, comment rendre, quoi ameliorer
    fr: que me conseill*, piste*, tu ferais
    es: suger*, sugier*, consej*, idea*, propon*, propuesta*, recomend*, recomiend*, que cambiarias, como mejor*
    es: como la mejor*, como puedo
    es: que mejorarias, mejoras, que opinas
    es: como podria quedar mejor, como podria, que harias, que le falta, que se puede mejorar, tips, que podria
    zh: 建议, 意见, 推荐, 优化方案, 怎么改, 怎么优化, 怎样改, 怎么修, 如何改, 改进, 提升空间, 有什么可以, 怎么才能
    zh: 你觉得, 哪里可以, 怎么调, 怎么弄, 点评, 主意, 如何优化, 怎么处理, 哪些地方
    ja: 提案, おすすめ, オススメ, 改善点, アドバイス, どうすれば, どうしたら, 意見, どう思, どこを, アイデア
    ja: どうすると, ヒント, お勧め, 改善案, 何を変え, どんな編集, どうやったら, 助言
"""
TALKED = """
    en: nevermind, never_mind, no thanks, hello, hi, hey, thank*, thx, perfect, great, nice, ok, okay, love it
    en: looks good, never mind, stop, cancel
    en: wait, bye, cool one
    en: awesome, well done, that s it, leave it, don t change, do not change, no changes, good morning, good evening
    en: like it, wow, as it is, fine, keep it, beautiful
    de: hallo, hi, hey, guten tag, guten morgen, guten abend, danke*, perfekt, super, toll, prima, ok, okay
    de: gefallt mir, so lassen, passt, lass es so
    de: nichts andern, tschuss, moin, servus, egal, vergiss es, stopp, warte, bleibt so, gut so, schon so, klasse
    de: servus, grussgott, wunderbar, nichts mehr
    fr: bonjour, salut, coucou, bonsoir, merci*, parfait, super, genial, ok, laisse*, c est bon, j aime
    fr: ne change rien, tant pis, attends, stop, au revoir, tres bien
    fr: comme ca, comme ça, impeccable, nickel, c est bien, touche a rien, bravo
    es: hola, buenos dias, buenas tardes, buenas noches, buenas, gracias, perfect*, genial, ok, vale, dejala asi
    es: dejalo asi, asi esta bien, me gusta, me encanta
    es: no cambies, nada mas, adios, espera, olvidalo, esta bien, excelente, que bonit*, asi queda, para, listo
    zh: 嗯, 好吧, 是的, 对的, 你好, 您好, 谢谢, 多谢, 完美, 很好, 不错, 好的, 可以了, 不用改, 就这样, 别改, 不用了
    zh: 再见, 嗨, 早上好
    zh: 晚上好, 喜欢, 好看, 算了, 没事, 辛苦了, 不要动, 先不, 哈喽, 太棒
    ja: はい, うん, こんにちは, こんばんは, おはよう, ありがとう, 完璧, いいね, 素敵, このまま, そのまま, 大丈夫, やめ
    ja: さようなら, はじめまして, オッケー, ok, 最高, 気に入, 何もしない, 変更なし, お疲れ, もう十分, うれしい, 嬉し
    ja: ばっちり
"""
# By which a language is told, beside its letters.
COMMON = MappingProxyType(
    {
        "en": "the it a an this please make and to more with of my me is picture photo image less bit i in on "
        "put add give its "
        "that turn into can you could want for some as look like remove up by too all",
        "de": "das bild bitte und mach es die der den dem ein eine einen mir mehr auf mit zu ist etwas nach im "
        "als weniger foto um "
        "ich fur machen kannst du aus bisschen hinzu ins zum zur noch bisserl mal ohne wie wirkt dreh weg gib "
        "nur alles in drumherum dran",
        "fr": "le la les une et mets plus photo image de du des l en sur moins je tu est peu fais rends au un "
        "il vous plait d "
        "dans avec c qu moi sans ajoute enleve passe ce cette tout trop vers veux",
        "es": "el la los las una y mas foto imagen de del en con por favor menos que hazla hazlo haz al pon "
        "ponle muy poco esta quita "
        "un se lo quiero ponlo dale le sin sea porfa como hazle puedes queda tiene demasiado mi sobre",
    }
)
LETTERS = MappingProxyType({"de": "äöüß", "fr": "àâçèêëîïôùûœ", "es": "áíóúñ¿¡"})
# Between wishes.
BETWEEN = (
    r"[;!?、，。；！？\n]|[.,:：](?!\d)|(?<!\d)[.,:：]|(?<![a-z])(?:and|then|but|while|plus a|also|und|dann|"
    r"aber|sowie|danach|et|puis|mais|ensuite|y|luego|despues|"
    r"pero|e)(?![a-z])|然后|接着|并且|并|再|同时|还有|以及|但|してから|"
    r"(?<=[しけえめれせげべ])て(?![いくみほも])|つつ|けど|ので|および|と、|して"
)
# Before what is to stay as it is.
ASIDE = r"(?=\b(?:without|ohne|sans|sin|while keeping|leaving|keeping)\b)"
# In a clause that says what is to stay as it is.
KEPT = (
    r"\b(?:without|don t|do not|leave|leaving|keep\w*|untouched|unchanged|ohne|nicht|unverander\w+|behalt\w*|"
    r"sans|inchang\w+|garde\w*|"
    r"laiss\w+|sin|manten\w+|manteniendo|conserv\w+|intact\w+)\b|不动|不变|保持|别动|保留|不要改|不影响|"
    r"そのまま|変えず|残し|維持|触らず|せずに|保っ"
)
ASKED = (
    r"^\W*(?:what|which|who|whose|where|when|why|how|is|are|was|were|does|did|do you|have you|has|was|wer|wo|"
    r"wann|warum|wie|wieso|welche\w*|"
    r"ist|sind|woher|hat|qui|ou|quand|pourquoi|comment|quel\w*|est ce|c est quoi|c est qui|c est ou|combien|"
    r"qu est|que\b(?= )|quien\w*|donde|cuando|"
    r"por que|como|cual\w*|cuant\w*|de que|es una?|esta foto|en que|a que|d ou|hay)\b"
    r"|什么|谁|哪|为什么|为何|多少|几[个只岁点张]|是不是|吗|何|誰|どこ|いつ|なぜ|どの|いくら|どんな|どれ|いくつ|ですか"
)
# A question about what is in the picture, however it is put.
SEEN = (
    r"^\W*(?:(?:can|do|could) you (?:see|tell|recogni\w+|know)|siehst|erkennst|kannst du .*(?:sehen|erkennen)|"
    r"(?:que )?vois tu|"
    r"(?:que )?ves|puedes ver)\b"
)
REQUESTED = (
    r"\b(?:can|could|would|will|please|kannst|konntest|konnen|bitte|peux|pourrais|pouvez|pourriez|peut|puedes|"
    r"podrias|podria|puede|how about|"
    r"what about|wie ware|et si|que tal|would like)\b|能不能|可以|请|帮|能否|能把|行吗|好吗|もらえ|ください|"
    r"くれ|できます|お願い|できる"
)
