#!/bin/sh
# Installs what the build (check: the tests, fuzz: long fuzzing) needs, from Debian, where it is missing and this user may.
set -eu
packages="gcc make pkg-config libpcap-dev libndpi-dev libjson-c-dev libyaml-dev libarchive-dev libssl-dev"
case ${1:-build} in
check) packages="$packages libcmocka-dev tshark python3-yaml python3-jsonschema iproute2 iptables" ;;
fuzz) packages="$packages clang libclang-rt-14-dev" ;; # make fuzz: without clang a small driver of our own does it
esac
missing=
for p in $packages; do
	dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ]; then
	echo "missing packages:$missing" >&2
	echo "install them with: sudo apt-get install$missing" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
apt-get install -y -qq --no-install-recommends $missing >/dev/null
