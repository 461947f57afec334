"""What techniques, kinds and parameters are called on a page. What is not listed keeps its own name."""

from beamtorch_catalogue.wire import DatasetState
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
TECHNIQUES = {
    "tomography": Words(en="X-ray tomography", zh="X 射线层析"),
    "total scattering": Words(en="Total scattering", zh="全散射"),
    "powder diffraction": Words(en="Powder diffraction", zh="粉末衍射"),
    "pair distribution function": Words(en="Pair distribution function", zh="对分布函数"),
    "crystallography": Words(en="Crystallography", zh="晶体学"),
    "ptychography": Words(en="Ptychography", zh="叠层成像"),
    "fluorescence": Words(en="X-ray fluorescence", zh="X 射线荧光"),
    "absorption": Words(en="X-ray absorption", zh="X 射线吸收"),
}
ICONS = {
    "tomography": "ct",
    "total scattering": "pdf",
    "powder diffraction": "pdf",
    "pair distribution function": "pdf",
    "crystallography": "mx",
}

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
FURTHER = Words(en="Further", zh="其他")


def technique(name: str) -> Words:
    """Return what a technique is called."""
    return TECHNIQUES.get(name, Words(en=name.capitalize(), zh=name))


def parameter(name: str) -> Words:
    """Return what a parameter outside the groups is called: its own name, made readable."""
    readable = name.replace("_", " ").strip().capitalize()
    return Words(en=readable, zh=readable)
