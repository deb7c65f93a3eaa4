// The contents of anime_gan/attributes/free_words.json.

export default {
  "fillers": [
    "a", "an", "the", "with", "and", "plus", "has", "have", "having", "who", "is", "of", "in", "her", "his",
    "she", "he", "some", "very", "please", "draw", "me", "wearing", "wears", "wear", "girl", "woman", "lady",
    "face", "person", "character", "portrait", "picture", "anime", "whose", "are", "colored", "coloured",
    "color", "but", "on", "also", "both", "的", "了", "着", "和", "与", "并", "且", "又", "还", "有", "带", "带着", "戴", "戴着", "一个", "一位", "个", "女孩",
    "女孩子", "女生", "少女", "女性", "女", "她", "脸", "请", "画", "颜色", "色", "人", "动漫", "角色", "着的", "の", "で", "と", "が",
    "は", "な", "に", "を", "い", "女の子", "女子", "顔", "キャラ", "人物", "をかけた", "をかけている", "かけた", "している", "した", "かぶった",
    "をかぶった", "つけた", "をつけた", "1girl", "+", "&"
  ],
  "negations": [
    "no", "not", "without", "never", "neither", "anything but", "minus", "isn't", "doesn't", "lacks", "lacking", "不戴", "没戴", "没有戴", "不带", "没带",
    "没有", "不要", "不", "没", "無", "无", "别"
  ],
  "negations_after": [
    "なし", "無し", "のない", "がない", "ない", "をかけていない", "かけていない", "していない", "をかぶっていない"
  ],
  "continued": [
    "or", "nor", "或", "或者", "和", "及"
  ],
  "synonyms": {
    "碧眼": ["blue eyes"],
    "碧发": ["green hair"],
    "黑长直": ["black hair", "long hair"],
    "银长直": ["silver hair", "long hair"],
    "眼镜娘": ["glasses"],
    "眼鏡っ娘": ["glasses"],
    "眼鏡っ子": ["glasses"],
    "笑": ["smile"],
    "笑容": ["smile"],
    "微笑着": ["smile"],
    "smiles": ["smile"],
    "bespectacled": ["glasses"],
    "spectacled": ["glasses"],
    "blushes": ["blush"],
    "blonde": ["blonde hair"],
    "blond": ["blonde hair"],
    "brunette": ["brown hair"],
    "redhead": ["red hair"],
    "ginger": ["orange hair"],
    "golden locks": ["blonde hair"],
    "双马尾": ["twin tails"],
    "金髪碧眼": ["blonde hair", "blue eyes"],
    "girl": ["no male"],
    "woman": ["no male"],
    "lady": ["no male"],
    "female": ["no male"],
    "女孩": ["no male"],
    "女孩子": ["no male"],
    "女生": ["no male"],
    "少女": ["no male"],
    "女性": ["no male"],
    "女": ["no male"],
    "女の子": ["no male"],
    "女子": ["no male"],
    "1girl": ["no male"],
    "guy": ["male"],
    "1boy": ["male"],
    "男孩": ["male"],
    "男生": ["male"],
    "少年": ["male"],
    "lad": ["male"]
  }
};
