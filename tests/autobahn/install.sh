#!/usr/bin/env bash
# install.sh DIR
#
# Installs the Autobahn|Testsuite 25.10.1 (`wstest`) in DIR and prints the path of wstest on stdout.
# All downloads are pinned and hash-checked, and use only pip and its configuration.
# Needs: a Python 2.7 ($PYTHON2, else python2.7 on PATH, else pyenv's), python3 with pip, a C compiler.
# Idempotent: a complete DIR is not changed. An incomplete or outdated one is rebuilt.
set -euo pipefail
[ $# = 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
mkdir -p "$1"; DIR=$(cd "$1" && pwd)
PYTHON3=${PYTHON3:-python3}
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_PYTHON_VERSION_WARNING=1 PIP_ROOT_USER_ACTION=ignore
unset PYTHONPATH PYTHONHOME

py2() { # prints the real executable when $1 is a working CPython 2.7 (a pyenv shim may not be)
  "$1" -c 'import sys, ssl, zlib; assert sys.version_info[:2] == (2, 7); print(sys.executable)' 2>/dev/null
}
find_py2() {
  local c root
  if [ -n "${PYTHON2:-}" ]; then py2 "$PYTHON2" && return; echo "PYTHON2=$PYTHON2 is not a Python 2.7" >&2; return 1; fi
  c=$(command -v python2.7) && py2 "$c" && return
  root=${PYENV_ROOT:-$(pyenv root 2>/dev/null || echo "$HOME/.pyenv")}
  for c in "$root"/versions/2.7*/bin/python2.7; do [ -x "$c" ] && py2 "$c" && return; done
  echo "no Python 2.7 found: set PYTHON2 (Debian 12 packages none; pyenv's 2.7.18 will do)" >&2; return 1
}
PY2=$(find_py2)

WSTEST=$DIR/venv/bin/wstest
STAMP="$(sha256sum <"$0" | cut -c1-64) $PY2"
works() { "$WSTEST" -a 2>/dev/null | grep -qx 'AutobahnTestSuite 25.10.1'; }
if [ "$(cat "$DIR/stamp" 2>/dev/null)" = "$STAMP" ] && works; then echo "$WSTEST"; exit 0; fi
rm -rf "$DIR/stamp" "$DIR/venv" "$DIR/bootstrap"

# virtualenv 20.21 is the last that makes Python 2.7 environments; it carries pip 20.3.4 and wheel 0.37.1 for them.
cat >"$DIR/bootstrap.txt" <<'E'
distlib==0.3.9 --hash=sha256:47f8c22fd27c27e25a65601af709b38e4f0a45ea4fc2e710f65755fa8caaaf87
filelock==3.12.2 --hash=sha256:cbb791cdea2a72f23da6ac5b5269ab0a0d161e9ef0100e653b69049a7706d1ec
platformdirs==3.11.0 --hash=sha256:e9d171d00af68be50e9202731309c4e658fd8bc76f55c11c7dd760d023bda68e
virtualenv==20.21.1 --hash=sha256:09ddbe1af0c8ed2bb4d6ed226b9e6415718ad18aef9fa0ba023d96b7a8356049
E
# One hash: a pure wheel or the only archive. Two: the cp27mu x86_64 wheel, then the sdist for other machines.
cat >"$DIR/setuptools.txt" <<'E'
setuptools==44.0.0 --hash=sha256:180081a244d0888b0065e18206950d603f6550721bd6f8c0a10221ed467dd78e
E
cat >"$DIR/requirements.txt" <<'E'
argparse==1.4.0 --hash=sha256:c31647edb69fd3d465a847ea3157d37bed1f95f19760b11a47aa91c04b666314
attrs==21.4.0 --hash=sha256:2d27e3784d7a565d36ab851fe94887c5eccd6a463168875832a1be79c82828b4
autobahn==0.10.9 --hash=sha256:3fecc1e2a26a0421128ddcfb4e577f0bc669dd65d0e0fdad1c773965cbcef75a
autobahntestsuite==25.10.1 --hash=sha256:b57ee6b22de624a03256878ad453c9897d2ad7ee08a4c38b35ee2847637e1383
Automat==22.10.0 --hash=sha256:c3164f8742b9dc440f3682482d32aaff7bb53f71740dd018533f9de286b64180
cffi==1.15.1 --hash=sha256:ed9cb427ba5504c1dc15ede7d516b84757c3e3d7868ccc85121d9310d27eed0b --hash=sha256:d400bfb9a37b1351253cb402671cea7e89bdecc294e8016a707f6d1d8ac934f9
constantly==15.1.0 --hash=sha256:dd2fa9d6b1a51a83f0d7dd76293d734046aa176e384bf6e33b7e44880eb37c5d
cryptography==3.3.2 --hash=sha256:c7390f9b2119b2b43160abb34f63277a638504ef8df99f11cb52c1fda66a2e6f --hash=sha256:5a60d3780149e13b7a6ff7ad6526b38846354d11a15e21068e57073e29e19bed
enum34==1.1.10 --hash=sha256:a98a201d6de3f2ab3db284e70a33b0f896fbf35f8086594e8c9e74b909058d53
hyperlink==21.0.0 --hash=sha256:e6b14c37ecb73e89c77d78cdb4c2cc8f3fb59a885c5b3f819ff4ed80f25af1b4
idna==2.10 --hash=sha256:b97d804b1e9b523befed77c48dacec60e6dcb0b5391d57af6a65a312a90648c0
incremental==16.10.1 --hash=sha256:cc00a35f9e9621ddec0a5e7d17271f3f26244873c4aec67eda06f2db8302e04b
ipaddress==1.0.23 --hash=sha256:6e0f4a39e66cb5bb9a137b00276a2eff74f93b71dcbdad6f10ff7df9d3557fcc
Jinja2==2.11.3 --hash=sha256:03e47ad063331dd6a3f04a43eddca8a966a26ba0c5b7207a9a9e4e08f1b29419
klein==17.10.0 --hash=sha256:8fcb5ee33906c9094bbf9edee19fbcb2d2cf864053def32e5d73946e8d275050
linecache2==1.0.0 --hash=sha256:e78be9c0a0dfcbac712fe04fbf92b96cddae80b1b842f24248214c8496f006ef
MarkupSafe==1.1.1 --hash=sha256:43a55c2930bbc139570ac2452adf3d70cdbb3cfe5912c71cdce1c2c6bbd9c5d1 --hash=sha256:29872e92839765e546828bb7754a68c418d927cd064fd4708fab9fe9c8bb116b
pyasn1==0.5.1 --hash=sha256:4439847c58d40b1d0a573d07e3856e95333f1976294494c325775aeca506eb58
pyasn1-modules==0.3.0 --hash=sha256:d3ccd6ed470d9ffbc716be08bd90efbd44d0734bc9303818f7336070984a162d
pycparser==2.21 --hash=sha256:8ee45429555515e1f6b185e78100aea234072576aa43ab53aefcae078162fca9
PyHamcrest==1.10.1 --hash=sha256:f7ae19ddfd71f11a421bcec9608d708c0fab816db98b51fdbc672a6d99a30874
pyOpenSSL==19.1.0 --hash=sha256:621880965a720b8ece2f1b2f54ea2071966ab00e2970ad2ce11d596102063504
service-identity==18.1.0 --hash=sha256:001c0707759cb3de7e49c078a7c0c9cd12594161d3bf06b9c254fdcb1a60dc36
six==1.16.0 --hash=sha256:8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254
traceback2==1.4.0 --hash=sha256:8253cebec4b19094d67cc5ed5af99bf1dba1285292226e98a31929f87a5d6b23
Twisted==19.10.0 --hash=sha256:776c65270b57ac074d5b7a471142f434b0ac5a8b39d9c974769c855c32abfd91 --hash=sha256:7394ba7f272ae722a74f3d969dcf599bc4ef093bc392038748a490f1724a515d
txaio==2.1.0 --hash=sha256:b94e3dbc83760b68955160fc61a2c34e2798f7a90c41672560f40dfd2946a864
typing==3.10.0.0 --hash=sha256:c7219ef20c5fbf413b4567092adfc46fa6203cb8454eda33c3fc1afe1398a308
ujson==2.0.3 --hash=sha256:6217c63a36e9b26e9271e686d212397ce7fb04c07d85509dd4e2ed73493320f8 --hash=sha256:bd2deffc983827510e5145fb66e4cc0f577480c62fe0b4882139f8f7d27ae9a3
unittest2==1.1.0 --hash=sha256:13f77d0875db6d9b435e1d4f41e74ad4cc2eb6e1d5c824996092b3430f088bb8
Werkzeug==1.0.1 --hash=sha256:2de2a5db0baeae7b2d2664949077c2ac63fbd16d98da0ff71837f7d1dea3fd43
wsaccel==0.6.6 --hash=sha256:18efec0a7182587ba97102b4cd8df7b4f665f45d7ca36f19783f5f081ea114ea
zope.interface==4.6.0 --hash=sha256:bad44274b151d46619a7567010f7cde23a908c6faa84b97598fd2f474a0c6891 --hash=sha256:1b3d0dcabc7c90b470e59e38a9acaa361be43b3a6ea644c0063951964717f0e5
E

{
  echo "python2.7: $PY2"
  "$PYTHON3" -m pip install -q --no-deps --require-hashes --target "$DIR/bootstrap" -r "$DIR/bootstrap.txt"
  PYTHONPATH=$DIR/bootstrap VIRTUALENV_OVERRIDE_APP_DATA=$DIR/bootstrap/app-data \
    "$PYTHON3" -m virtualenv -q --no-download --no-periodic-update -p "$PY2" "$DIR/venv"
  PIP=("$DIR/venv/bin/python" -m pip install -q --no-deps --require-hashes)
  "${PIP[@]}" -r "$DIR/setuptools.txt"
  # No build isolation: the sdists (wsaccel is C) build with the pinned setuptools, not with whatever is newest.
  "${PIP[@]}" --no-build-isolation -r "$DIR/requirements.txt"
  "$DIR/venv/bin/python" -m pip check
  # The fuzzer's own masking and UTF-8 check must be the C ones: pure Python takes many times as long.
  "$DIR/venv/bin/python" -c 'import wsaccel.utf8validator, wsaccel.xormask'
  works
  rm -rf "$DIR/bootstrap"
} >&2
echo "$STAMP" >"$DIR/stamp"
echo "$WSTEST"
