/* The text report's own words. */
#include "words.h"

#include <string.h>

static const struct words languages[] = {
	{ .language = "en", .left_to_right = true, .at = "at", .comma = ", ", .sure = "% sure", .note = "Note:",
	  .times = "times", .clients = "devices", .failed = "sessions failed", .one_failed = "session failed",
	  .no_sessions = "No IMAP session was seen.", .degraded = "degraded", .healthy = "healthy",
	  .inconclusive = "undecided", .probes = "probes", .packets = "packets in", .seconds = "s",
	  .none_dropped = "none dropped", .dropped = "dropped by the capture", .malformed = "malformed",
	  .more_blocks = "more sessions are not shown here; -o json tells all",
	  .attempts = "single connection attempts, neither answered nor repeated, from about", .sources = "source(s)",
	  .lost = "observations found no memory", .since = "since", .over = "over at", .others = "and others" },
	{ .language = "ar", .at = "عند", .comma = "، ", .sure = "% مؤكد", .note = "ملاحظة:", .times = "مرات",
	  .clients = "أجهزة", .failed = "جلسات فشلت", .one_failed = "جلسة فشلت", .no_sessions = "لم تُشاهد أي جلسة IMAP.",
	  .degraded = "بطيئة", .healthy = "سليمة", .inconclusive = "غير محسومة", .probes = "فحوص", .packets = "حزمة خلال",
	  .seconds = "ثانية", .none_dropped = "دون فقد", .dropped = "أسقطها الالتقاط", .malformed = "مشوهة",
	  .more_blocks = "جلسات أخرى غير معروضة هنا؛ استخدم ‎-o json",
	  .attempts = "محاولات اتصال منفردة لم يُجب عنها ولم تتكرر، من نحو", .sources = "مصادر",
	  .lost = "ملاحظات لم تجد ذاكرة", .since = "منذ", .over = "انتهى عند",
	  .others = "وغيره" },
};

const struct words *words_of(const char *language)
{
	for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
		if (strcmp(languages[i].language, language) == 0)
			return &languages[i];
	return &languages[0];
}

struct named {
	const char *word, *en, *ar;
};

static const char *find(const struct named *list, size_t count, const struct words *w, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].word, word) == 0)
			return w == &languages[1] ? list[i].ar : list[i].en;
	return word;
}

const char *words_class(const struct words *w, const char *class)
{
	static const struct named list[] = {
		{ "reset", "RESET", "قطع الاتصال" },
		{ "timeout", "TIMEOUT", "انتهاء المهلة" },
		{ "firewall_block", "FIREWALL BLOCK", "حجب بجدار ناري" },
		{ "auth_failure", "AUTH FAILURE", "فشل تسجيل الدخول" },
		{ "tls_failure", "TLS FAILURE", "فشل TLS" },
		{ "server_refusal", "SERVER REFUSAL", "رفض من الخادم" },
		{ "misconfiguration", "MISCONFIGURATION", "خطأ في الإعدادات" },
		{ "name_resolution", "NAME RESOLUTION", "تعذر العثور على اسم الخادم" },
		{ "degraded", "DEGRADED", "اتصال بطيء" },
		{ "none", "HEALTHY", "سليم" },
		{ "inconclusive", "UNDECIDED", "غير محسوم" },
	};
	return find(list, sizeof list / sizeof *list, w, class);
}

const char *words_scope(const struct words *w, const char *scope)
{
	static const struct named list[] = {
		{ "account", "account", "حساب" },
		{ "device", "device", "جهاز" },
		{ "network", "network", "شبكة" },
		{ "server", "server", "خادم" },
		{ "provider", "provider", "مزوّد" },
		{ "everyone", "everyone", "الجميع" },
		{ "unknown", "service", "خدمة" },
	};
	return find(list, sizeof list / sizeof *list, w, scope);
}

const char *words_culprit(const struct words *w, const char *culprit)
{
	static const struct named list[] = {
		{ "client", "client", "العميل" },
		{ "server", "server", "الخادم" },
		{ "network", "network", "الشبكة" },
		{ "middlebox", "middlebox", "جهاز وسيط" },
		{ "unknown", "culprit unknown", "المتسبب غير معروف" },
	};
	return find(list, sizeof list / sizeof *list, w, culprit);
}
