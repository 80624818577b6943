#!/bin/sh
# Installs what the build (check: the tests, fuzz: long fuzzing, lab: the lab, peer NAME: one program that make bench compares with) needs, from Debian, where it is missing and this user may.
set -eu
packages="gcc make pkg-config libpcap-dev libndpi-dev libjson-c-dev libyaml-dev libarchive-dev libssl-dev"
case ${1:-build} in
check)
	packages="$packages libcmocka-dev tshark python3-yaml python3-jsonschema iproute2 iptables zstd lz4 strace
		tcpdump ethtool procps openssl gnutls-bin
		zlib1g-dev libbrotli-dev libzstd-dev" ;;
peer) packages=$2 ;;
fuzz) packages="$packages clang libclang-rt-14-dev" ;; # make fuzz: without clang a small driver of our own does it
lab)
	packages="gcc libssl-dev tshark tcpdump iproute2 iptables ethtool procps openssl python3 dovecot-imapd nginx libnginx-mod-mail stunnel4 haproxy
		curl isync fetchmail getmail6 neomutt alpine imapfilter offlineimap3 libmail-imapclient-perl libio-socket-ssl-perl
		courier-authlib gnutls-bin monitoring-plugins-basic libcourier-unicode4 libgamin0 libidn12 libpcre3
		libsasl2-modules libclamav12 libzephyr4 libical3 libwrap0 libpq5 libxapian30 libjansson4 libsqlite3-0"
	command -v npm >/dev/null || packages="$packages nodejs npm" ;;
esac
missing=
for p in $packages; do
	dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $p"
done
# Debian's IMAP servers exclude each other: Cyrus and Courier are unpacked into a folder, which the lab lays over /usr in a mount namespace.
unpack_servers() {
	mkdir -p build/lab-packages && cd build/lab-packages
	for server in cyrus:cyrus-common:cyrus-imapd courier:courier-base:courier-imap; do
		name=${server%%:*} parts=$(echo "${server#*:}" | tr : ' ')
		[ -e "$name/version" ] && continue
		# shellcheck disable=SC2086 # a list of words
		apt-get download -qq $parts
		for p in $parts; do dpkg-deb -x "$p"_*.deb "$name"; done
		echo "${p} $(dpkg-deb -f "$p"_*.deb Version | sed 's/[-+].*//')" > "$name/version"
		rm -f ./*.deb
	done
	cd ../..
	[ -d build/lab-node/node_modules/imapflow ] || npm install --silent --no-audit --no-fund --prefix build/lab-node imapflow >/dev/null ||
		echo "imapflow can't be had; its scenarios are left out" >&2
}
if [ -z "$missing" ]; then
	[ "${1:-build}" = lab ] && unpack_servers
	exit 0
fi
if [ "$(id -u)" != 0 ]; then
	echo "missing packages:$missing" >&2
	echo "install them with: sudo apt-get install$missing" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# The lab starts its servers itself, in namespaces of its own; a package's own service must not start.
policy=/usr/sbin/policy-rc.d
if [ "${1:-build}" = lab ] && [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' > $policy
	chmod +x $policy
	trap 'rm -f $policy' EXIT
fi
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
apt-get install -y -qq --no-install-recommends $missing >/dev/null
if [ "${1:-build}" = lab ]; then unpack_servers; fi
