# ruff: noqa: INP001, F821
"""Settings of Voila that are code; it reads this file because its folder is on JUPYTER_CONFIG_PATH."""

NO_MATHJAX = (
    "const f=()=>{};window.MathJax={Hub:{Config:f,Configured:f,Queue:f,Register:{StartupHook:f,MessageHook:f}},"
    "Ajax:{config:{}},InputJax:{},OutputJax:{}};"
)


def give_xsrf_cookie(request, notebook, cwd):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, ARG001
    """Set the cookie without which the page may not end its kernel when it is left: reading the token sets it."""
    request.xsrf_token  # noqa: B018 - a property that acts


c.VoilaConfiguration.prelaunch_hook = give_xsrf_cookie  # type: ignore[name-defined]


def keep_to_this_server(page_config, **_known):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, ANN003
    """Take out the address of MathJax on another host; apps write their units as text."""
    page_config["fullMathjaxUrl"] = f"data:text/javascript,{NO_MATHJAX}//"
    return page_config


c.VoilaConfiguration.page_config_hook = keep_to_this_server  # type: ignore[name-defined]
