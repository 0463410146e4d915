"""``nox`` runs the suite without twilio, with the last that has fax, and with the newest."""

import nox

nox.options.default_venv_backend = "venv"
nox.options.sessions = ["tests"]
nox.options.reuse_existing_virtualenvs = True

TWILIO = {"none": [], "7.5.1": [], "newest": ["--upgrade", "twilio>=9"]}


@nox.session
@nox.parametrize("twilio", list(TWILIO))
def tests(session, twilio):
    """Run the tests beside one release of twilio."""
    session.install("-e", ".[test]")
    # `[test]` brings 7.5.1, the last release with all of fax.
    if twilio == "none":
        session.run("pip", "uninstall", "-q", "-y", "twilio", silent=True)
    elif TWILIO[twilio]:
        session.install(*TWILIO[twilio])
    session.run("python", "-m", "pytest", *session.posargs)
