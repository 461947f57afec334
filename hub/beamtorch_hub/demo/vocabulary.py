"""Names for other facilities: none of them occurs in the default one."""

from beamtorch_facility.words import Words

FACILITIES = (
    Words(en="Northern Ring Facility", zh="北方环装置"),
    Words(en="Coastal Photon Source", zh="海岸光子源"),
    Words(en="Lakeside Synchrotron", zh="湖畔同步辐射"),
    Words(en="High Plain Light Facility", zh="高原光源装置"),
)

PEOPLE = (
    ("akande", Words(en="Tunde Akande", zh="通德·阿坎德")),
    ("bianchi", Words(en="Giulia Bianchi", zh="朱莉娅·比安基")),
    ("dahl", Words(en="Jonas Dahl", zh="约纳斯·达尔")),
    ("farah", Words(en="Amina Farah", zh="阿米娜·法拉赫")),
    ("gupta", Words(en="Ravi Gupta", zh="拉维·古普塔")),
    ("haas", Words(en="Petra Haas", zh="佩特拉·哈斯")),
    ("kim.h", Words(en="Hana Kim", zh="金荷娜")),
    ("lefevre", Words(en="Paul Lefèvre", zh="保罗·勒菲弗")),
    ("sato_y", Words(en="Yuki Sato", zh="佐藤由纪")),
    ("xu-lan", Words(en="Lan Xu", zh="徐岚")),
)

BEAMLINES = {
    "tomography": (Words(en="Microscopy", zh="显微"), Words(en="Volume Radiography", zh="体射线照相")),
    "total scattering": (Words(en="Disorder", zh="无序结构"), Words(en="High Energy Powder", zh="高能粉末")),
    "crystallography": (Words(en="Small Molecules", zh="小分子"), Words(en="Single Crystals", zh="单晶")),
}

TITLES = (
    Words(en="Cracks in recycled concrete", zh="再生混凝土中的裂纹"),
    Words(en="Salt transport in sandstone", zh="砂岩中的盐分迁移"),
    Words(en="Fibres of wound paper", zh="卷绕纸的纤维"),
    Words(en="Foams under load", zh="受载泡沫"),
    Words(en="Order in quenched alloys", zh="淬火合金的有序性"),
    Words(en="Hydrogen bonds at low temperature", zh="低温下的氢键"),
)

SAMPLES = (
    Words(en="Core, upper third", zh="岩芯，上三分之一"),
    Words(en="Core, lower third", zh="岩芯，下三分之一"),
    Words(en="Batch of March, fine", zh="三月批次，细"),
    Words(en="Batch of March, coarse", zh="三月批次，粗"),
    Words(en="Strip cut along", zh="纵切条"),
    Words(en="Strip cut across", zh="横切条"),
    Words(en="Powder as received", zh="原始粉末"),
    Words(en="Holder without powder", zh="空样品架"),
    Words(en="Needle from ethanol", zh="乙醇中生长的针状晶体"),
    Words(en="Pellet pressed twice", zh="二次压片"),
    Words(en="Rod, annealed", zh="退火棒"),
)

CODE_WORDS = (
    "alder",
    "birch",
    "cedar",
    "dogwood",
    "elmwood",
    "fir",
    "ginkgo",
    "hazel",
    "juniper",
    "larch",
    "maple",
    "oakleaf",
    "poplar",
    "rowan",
    "spruce",
    "willow",
)
