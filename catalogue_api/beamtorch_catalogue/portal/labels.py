"""What techniques, kinds and parameters are called on a page. What is not listed keeps its own name."""

from beamtorch_catalogue.vocabulary import SHIPPED, Models
from beamtorch_catalogue.wire import Audience, DatasetState
from beamtorch_facility.dataset import DatasetKind
from beamtorch_facility.words import Words

KINDS = {
    DatasetKind.RAW: Words(en="raw", zh="原始"),
    DatasetKind.PROCESSED: Words(en="processed", zh="处理"),
    DatasetKind.SIMULATED: Words(en="simulated", zh="模拟"),
    DatasetKind.CALIBRATION: Words(en="calibration", zh="标定"),
}
STATES = {
    DatasetState.COMPLETE: Words(en="complete", zh="完整"),
    DatasetState.BROKEN: Words(en="broken", zh="损坏"),
    DatasetState.MISSING: Words(en="files missing", zh="文件缺失"),
}
ICONS = {technique.name: technique.icon for technique in SHIPPED.all() if technique.icon}

# The groups of a dataset's page, each parameter with its name; the order is the order on the page.
GROUPS: tuple[tuple[Words, dict[str, Words]], ...] = (
    (
        Words(en="Beam and scan", zh="光束与扫描"),
        {
            "energy": Words(en="Energy", zh="能量"),
            "wavelength": Words(en="Wavelength", zh="波长"),
            "ring_current": Words(en="Ring current", zh="束流"),
            "projections": Words(en="Projections", zh="投影"),
            "angle_start": Words(en="First angle", zh="起始角"),
            "angle_stop": Words(en="Last angle", zh="终止角"),
            "angle_step": Words(en="Angle step", zh="角度步长"),
            "angle_increment": Words(en="Angle step", zh="角度步长"),
            "images": Words(en="Images", zh="图像"),
            "exposure_time": Words(en="Exposure", zh="曝光"),
            "frames": Words(en="Frames", zh="帧数"),
            "flats": Words(en="Flats", zh="平场"),
            "darks": Words(en="Darks", zh="暗场"),
        },
    ),
    (
        Words(en="Detector and sample", zh="探测器与样品"),
        {
            "detector": Words(en="Detector", zh="探测器"),
            "pixel_size": Words(en="Pixel", zh="像素"),
            "rows": Words(en="Rows", zh="行数"),
            "columns": Words(en="Columns", zh="列数"),
            "distance": Words(en="Distance", zh="距离"),
            "scintillator": Words(en="Scintillator", zh="闪烁体"),
            "temperature": Words(en="Temperature", zh="温度"),
            "composition": Words(en="Composition", zh="成分"),
        },
    ),
)
PAIRS = (
    ("angle_start", "angle_stop", Words(en="Angles", zh="角度"), "–"),
    ("rows", "columns", Words(en="Frame", zh="画幅"), "×"),
)
"""Parameters that are told in one line, with what that is called and what stands between them."""
FURTHER = Words(en="Further", zh="其他")
_OUTSIDE = {
    "title": Words(en="Title", zh="标题"),
    "comment": Words(en="Comment", zh="备注"),
    "instrument": Words(en="Instrument", zh="仪器"),
    "run": Words(en="Run", zh="运行号"),
    "scan_command": Words(en="Scan command", zh="扫描命令"),
    "chemical_formula": Words(en="Chemical formula", zh="化学式"),
    "beam_center_x": Words(en="Beam centre x", zh="光束中心 x"),
    "beam_center_y": Words(en="Beam centre y", zh="光束中心 y"),
    "transmission": Words(en="Transmission", zh="透过率"),
    "flux": Words(en="Flux", zh="光通量"),
    "monitor": Words(en="Monitor", zh="监测计数"),
    "rotation_angle": Words(en="Rotation angle", zh="旋转角"),
    "two_theta": Words(en="2θ", zh="2θ"),
    "omega": Words(en="ω", zh="ω"),
    "phi": Words(en="φ", zh="φ"),
    "chi": Words(en="χ", zh="χ"),
    "kappa": Words(en="κ", zh="κ"),
}
"""What extractors find beside the groups."""
_OF_A_SERIES = {"min": Words(en="lowest", zh="最小值"), "max": Words(en="highest", zh="最大值")}
_BY_PARAMETER = {name: label for _, names in GROUPS for name, label in names.items()}
_KNOWN = _BY_PARAMETER | _OUTSIDE


def technique(name: str) -> Words:
    """Return what a technique is called."""
    return SHIPPED.label(name)


def parameter(name: str) -> Words:
    """Return what a parameter outside the groups is called: its own name, made readable, if nothing else is known."""
    if name in _KNOWN:
        return _KNOWN[name]
    series, _, end = name.rpartition("_")
    if series in _KNOWN and end in _OF_A_SERIES:
        of, which = _KNOWN[series], _OF_A_SERIES[end]
        return Words(en=f"{of.en}, {which.en}", zh=f"{of.zh}（{which.zh}）")
    readable = name.replace("_", " ").strip().capitalize()
    return Words(en=readable, zh=readable)


# What a page says beyond the parameters: the fields of a query, what happened to a dataset, for whom it is open.
NOT = Words(en="without", zh="不含")
FIELDS = {
    "sample": Words(en="Sample", zh="样品"),
    "sample_name": Words(en="Sample", zh="样品"),
    "person": Words(en="Person", zh="人员"),
    "file": Words(en="File", zh="文件"),
    "technique": Words(en="Technique", zh="方法"),
    "kind": Words(en="Type", zh="类型"),
    "state": Words(en="State", zh="状态"),
    "proposal": Words(en="Proposal", zh="课题"),
    "beamtime": Words(en="Beamtime", zh="机时"),
    "beamline": Words(en="Beamline", zh="线站"),
    "year": Words(en="Year", zh="年份"),
    "date": Words(en="Measured", zh="测量时间"),
    "composition": Words(en="Contains", zh="含元素"),
    "software": Words(en="Software", zh="软件"),
    "pid": Words(en="Identifier", zh="标识符"),
    "id": Words(en="Number", zh="编号"),
}
ACTIONS = {
    "created": Words(en="came into the catalogue", zh="录入目录"),
    "updated": Words(en="came in again", zh="重新录入"),
    "edited": Words(en="corrected", zh="更正"),
    "files-checked": Words(en="files were checked", zh="检查文件"),
    "published": Words(en="published", zh="发布"),
    "released": Words(en="opened", zh="开放"),
    "embargo-changed": Words(en="embargo changed", zh="更改保护期"),
    "given-up": Words(en="given up", zh="放弃"),
}
AUDIENCES = {
    Audience.NOBODY: Words(en="closed", zh="不开放"),
    Audience.REGISTERED: Words(en="open to registered people", zh="向注册用户开放"),
    Audience.WORLD: Words(en="open to everybody", zh="向所有人开放"),
}
TIERS = {
    "beamline": Words(en="beamline", zh="线站"),
    "central": Words(en="central", zh="中心"),
    "archive": Words(en="archive", zh="归档"),
}


def name_of(name: str, models: Models) -> Words:
    """Return what a parameter is called, wherever it comes from."""
    return _BY_PARAMETER.get(name) or models.label(name) or parameter(name)


def value_of(name: str, value: str, models: Models) -> Words:
    """Return what one value of a field is called."""
    if name == "technique":
        return technique(value)
    if name == "kind" and value in set(DatasetKind):
        return KINDS[DatasetKind(value)]
    if name == "state" and value in set(DatasetState):
        return STATES[DatasetState(value)]
    return models.written(name, value) or Words(en=value, zh=value)


def action(name: str) -> Words:
    """Return what happened, in words."""
    return ACTIONS.get(name) or Words(en=name.replace("-", " "), zh=name)
