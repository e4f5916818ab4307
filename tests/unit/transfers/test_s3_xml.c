/* Documents as servers send them, and as they must not. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transfers/s3_time.h"
#include "transfers/s3_xml.h"

#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define NAMESPACE " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define LIST(inside) DECLARATION "<ListBucketResult" NAMESPACE ">" inside "</ListBucketResult>"
#define CONTENTS(key)                                                                       \
	"<Contents><Key>" key "</Key><LastModified>2009-10-12T17:50:30.000Z</LastModified>" \
	"<ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag><Size>434234</Size>"      \
	"<StorageClass>STANDARD</StorageClass></Contents>"
#define WHOLE "<IsTruncated>false</IsTruncated>"
#define MORE "<IsTruncated>true</IsTruncated>"

static int
list(const char *text, struct mf_s3_page *page, struct mf_error *e)
{
	return mf_s3_xml_list(text, strlen(text), page, e);
}

static void
list_must(const char *text, struct mf_s3_page *page)
{
	struct mf_error e;

	if (list(text, page, &e) != 0)
		fail_msg("%s: %s", text, e.message);
}

/* Amazon S3 API Reference, ListObjectsV2, with a second object. */
static void
version_2(void **state)
{
	struct mf_s3_page p;

	(void)state;
	list_must(
	    LIST("<Name>bucket</Name><Prefix/>"
		 "<NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM="
		 "</NextContinuationToken><KeyCount>2</KeyCount><MaxKeys>2</MaxKeys>" MORE CONTENTS(
		     "happyface.jpg") "<Contents><Key>a&amp;b &lt;&#x263A;&gt;</Key>"
				      "<LastModified>2026-01-31T12:00:00Z</LastModified><Size>0</"
				      "Size>"
				      "<Owner><ID>x</ID><DisplayName>y</DisplayName></Owner></"
				      "Contents>"),
	    &p);
	assert_int_equal(p.n_objects, 2);
	assert_int_equal(p.n_prefixes, 0);
	assert_true(p.truncated);
	assert_string_equal(p.token, "1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=");
	assert_string_equal(p.objects[0].key, "happyface.jpg");
	assert_string_equal(p.objects[0].etag, "fba9dede5f27731c9771645a39863328");
	assert_string_equal(p.objects[0].storage_class, "STANDARD");
	assert_int_equal(p.objects[0].size_bytes, 434234);
	assert_int_equal(p.objects[0].mtime_us, INT64_C(1255369830000000));
	assert_string_equal(p.objects[1].key, "a&b <\xe2\x98\xba>");
	assert_string_equal(p.objects[1].etag, "");
	assert_string_equal(p.objects[1].storage_class, "");
	assert_int_equal(p.objects[1].mtime_us, INT64_C(1769860800000000));
	mf_s3_page_fini(&p);
	mf_s3_page_fini(&p);
}

static void
empty_listing(void **state)
{
	struct mf_s3_page p;

	(void)state;
	list_must(LIST("<KeyCount>0</KeyCount>" WHOLE), &p);
	assert_int_equal(p.n_objects, 0);
	assert_false(p.truncated);
	assert_null(p.token);
	assert_string_equal(p.marker, "");
	mf_s3_page_fini(&p);
	list_must(" \r\n\t<ListBucketResult>" WHOLE "</ListBucketResult>\n", &p);
	mf_s3_page_fini(&p);
}

/* Without a delimiter version 1 has no NextMarker: the last name is it, key or prefix. */
static void
version_1(void **state)
{
	static const struct {
		const char *text, *marker;
	} rows[] = {
	    {LIST("<Marker/>" MORE CONTENTS("a") CONTENTS("b")), "b"},
	    {LIST(MORE CONTENTS("a") "<CommonPrefixes><Prefix>c/</Prefix></CommonPrefixes>"), "c/"},
	    {LIST(MORE CONTENTS("d") "<CommonPrefixes><Prefix>c/</Prefix></CommonPrefixes>"), "d"},
	    {LIST(MORE "<CommonPrefixes><Prefix>c/</Prefix><Prefix>e/</Prefix></CommonPrefixes>"),
		"e/"},
	    {LIST(MORE CONTENTS("a") "<NextMarker>z</NextMarker>"), "z"},
	};
	struct mf_s3_page p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		list_must(rows[i].text, &p);
		assert_true(p.truncated);
		assert_null(p.token);
		assert_string_equal(p.marker, rows[i].marker);
		mf_s3_page_fini(&p);
	}
}

/* The element that says so may come last. NextMarker is encoded by some, not by others. */
static void
url_encoding(void **state)
{
	static const struct {
		const char *marker, *want;
	} rows[] = {{"100%25+%2B1", "100% +1"}, {"100% +1", "100% +1"}, {"z%2F", "z/"}};
	struct mf_s3_page p;
	char text[1024];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(text, sizeof text,
		    LIST("<NextMarker>%s</NextMarker>" MORE CONTENTS("%s")
			    CONTENTS("%s") "<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>"
					   "<EncodingType>url</EncodingType>"),
		    rows[i].marker, "%01%0A/%C3%A4", "100%25+%2B1", "%09/");
		list_must(text, &p);
		assert_string_equal(p.objects[0].key, "\x01\n/\xc3\xa4");
		assert_string_equal(p.objects[1].key, "100% +1");
		assert_string_equal(p.prefixes[0], "\t/");
		assert_string_equal(p.marker, rows[i].want);
		mf_s3_page_fini(&p);
	}
	/* RGW's, for a key that looks encoded */
	list_must(LIST("<EncodingType>url</EncodingType>" MORE CONTENTS("plus%2Band%252Bpct")
	    "<NextMarker>plus+and%2Bpct</NextMarker>"), &p);
	assert_string_equal(p.objects[0].key, "plus+and%2Bpct");
	assert_string_equal(p.marker, "plus+and%2Bpct");
	mf_s3_page_fini(&p);
	list_must(LIST(WHOLE CONTENTS("a%20b+c")), &p); /* not encoded, so not decoded */
	assert_string_equal(p.objects[0].key, "a%20b+c");
	mf_s3_page_fini(&p);
}

static void
thousand_objects(void **state)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_s3_page p;
	struct mf_error e;
	char want[64];
	size_t i;

	(void)state;
	mf_buf_printf(&b, "<ListBucketResult>" WHOLE);
	for (i = 0; i < 3000; i++)
		mf_buf_printf(&b, CONTENTS("some/rather/longer/path/to/make/blocks/%05zu"), i);
	mf_buf_printf(&b, "</ListBucketResult>");
	assert_int_equal(mf_s3_xml_list(b.data, b.len, &p, &e), 0);
	assert_int_equal(p.n_objects, 3000);
	for (i = 0; i < 3000; i++) {
		snprintf(want, sizeof want, "some/rather/longer/path/to/make/blocks/%05zu", i);
		assert_string_equal(p.objects[i].key, want);
	}
	mf_s3_page_fini(&p);
	mf_buf_fini(&b);
}

static void
bad_listings(void **state)
{
	static const char *const bad[] = {
	    "",
	    "  \n",
	    "not XML",
	    "<html><body>busy</body></html>",
	    "<Error><Code>SlowDown</Code></Error>",
	    "<ListBucketResults>" WHOLE "</ListBucketResults>",
	    "<ListBucket>" WHOLE "</ListBucket>",
	    LIST(""), /* does not say whether there is more */
	    LIST("<IsTruncated>maybe</IsTruncated>"),
	    LIST("<IsTruncated></IsTruncated>"),
	    LIST(MORE), /* but where? */
	    LIST(MORE "<NextContinuationToken/>"),
	    "<ListBucketResult>" WHOLE,
	    "<ListBucketResult>" WHOLE "</ListBucketResult><x/>",
	    "<ListBucketResult>" WHOLE "</ListBucketResult>trailing",
	    LIST(WHOLE "<Contents><Size>1</Size></Contents>"),
	    LIST(WHOLE "<Contents><Key/><Size>1</Size>"
		       "<LastModified>2026-01-31T12:00:00Z</LastModified></Contents>"),
	    LIST(WHOLE "<Contents><Key>a</Key>"
		       "<LastModified>2026-01-31T12:00:00Z</LastModified></Contents>"),
	    LIST(WHOLE "<Contents><Key>a</Key><Size>1</Size></Contents>"),
	    LIST(WHOLE "<Contents><Key>a</Key><Size>-1</Size></Contents>"),
	    LIST(WHOLE "<Contents><Key>a</Key><Size>1e3</Size></Contents>"),
	    LIST(WHOLE "<Contents><Key>a</Key><Size>9223372036854775808</Size></Contents>"),
	    LIST(WHOLE "<Contents><Key>a</Key><Size>1</Size>"
		       "<LastModified>yesterday</LastModified></Contents>"),
	    LIST(WHOLE "<CommonPrefixes><Prefix/></CommonPrefixes>"),
	    LIST(WHOLE "<EncodingType>rot13</EncodingType>"),
	    LIST(WHOLE "<EncodingType>url</EncodingType>" CONTENTS("%zz")),
	    LIST(WHOLE "<EncodingType>url</EncodingType>" CONTENTS("a%00b")),
	    LIST(WHOLE CONTENTS("&#0;")),
	    LIST(WHOLE CONTENTS("&#1;")),
	    LIST(WHOLE CONTENTS("\xff")),
	    LIST(WHOLE CONTENTS("&undefined;")),
	    "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>"
	    "<ListBucketResult>" WHOLE CONTENTS("&b;") "</ListBucketResult>",
	    "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><ListBucketResult>" WHOLE
	    "</ListBucketResult>",
	    LIST("<a><b><c><d><e><f><g><h><i><j><k><l><m><n><o><p/></o></n></m></l></k></j></i></h>"
		 "</g></f></e></d></c></b></a>" WHOLE),
	};
	struct mf_s3_page p;
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (list(bad[i], &p, &e) == 0)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(e.code, MF_ETRANSFER);
	}
}

/* Every document that stops early is an error: a proxy that breaks off makes no short listing. */
static void
cut_short(void **state)
{
	static const char text[] = LIST("<Name>n</Name>" WHOLE CONTENTS("a") CONTENTS("b"));
	struct mf_s3_page p;
	struct mf_error e;
	size_t n;

	(void)state;
	for (n = 0; n < sizeof text - 1; n++)
		if (mf_s3_xml_list(text, n, &p, &e) == 0)
			fail_msg("accepted: %.*s", (int)n, text);
	assert_int_equal(mf_s3_xml_list(text, n, &p, &e), 0);
	mf_s3_page_fini(&p);
}

static void
limits(void **state)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_s3_page p;
	struct mf_error e;
	char *big;
	size_t i;

	(void)state;
	mf_buf_printf(&b, "<ListBucketResult>" WHOLE "<Contents><Key>");
	for (i = 0; i <= 8192; i++)
		mf_buf_put_u8(&b, 'k');
	mf_buf_printf(&b, "</Key></Contents></ListBucketResult>");
	assert_int_equal(mf_s3_xml_list(b.data, b.len, &p, &e), -1);
	assert_non_null(strstr(e.message, "too long"));
	mf_buf_clear(&b);
	mf_buf_printf(&b, "<ListBucketResult>" WHOLE "<");
	for (i = 0; i < 300; i++)
		mf_buf_put_u8(&b, 'n');
	mf_buf_printf(&b, "/></ListBucketResult>");
	assert_int_equal(mf_s3_xml_list(b.data, b.len, &p, &e), -1);
	mf_buf_clear(&b);
	mf_buf_printf(&b, "<ListBucketResult>" WHOLE);
	for (i = 0; i <= MF_S3_PAGE_MAX; i++)
		mf_buf_printf(&b, "<CommonPrefixes><Prefix>p</Prefix></CommonPrefixes>");
	mf_buf_printf(&b, "</ListBucketResult>");
	assert_int_equal(mf_s3_xml_list(b.data, b.len, &p, &e), -1);
	assert_non_null(strstr(e.message, "too many"));
	mf_buf_fini(&b);
	big = calloc(1, ((size_t)32 << 20) + 1);
	assert_non_null(big);
	big[0] = '<';
	assert_int_equal(mf_s3_xml_list(big, ((size_t)32 << 20) + 1, &p, &e), -1);
	assert_non_null(strstr(e.message, "too long"));
	free(big);
}

/* Amazon's for a wrong region, RGW's without a message, STS's. */
static void
errors(void **state)
{
	static const char aws[] = DECLARATION
	    "<Error><Code>AuthorizationHeaderMalformed</Code><Message>The authorization header is "
	    "malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'</Message>"
	    "<Region>eu-west-1</Region><RequestId>4442587FB7D0A2F9</RequestId><HostId>x</HostId>"
	    "</Error>";
	static const char rgw[] =
	    DECLARATION "<Error><Code>NoSuchKey</Code><Message></Message><BucketName>b</BucketName>"
			"<RequestId>tx01</RequestId><HostId>1-default</HostId></Error>";
	static const char sts[] =
	    "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>"
	    "<Type>Sender</Type><Code>ExpiredTokenException</Code><Message>Token expired</Message>"
	    "</Error><RequestId>c0</RequestId></ErrorResponse>";
	static const char redirect[] =
	    "<Error><Code>PermanentRedirect</Code><Endpoint>b.s3-eu-west-1.amazonaws.com"
	    "</Endpoint><Bucket>b</Bucket></Error>";
	struct mf_s3_error_answer a;
	struct mf_error e;
	char text[2048];

	(void)state;
	assert_int_equal(mf_s3_xml_error(aws, strlen(aws), &a, &e), 0);
	assert_string_equal(a.code, "AuthorizationHeaderMalformed");
	assert_string_equal(a.region, "eu-west-1");
	assert_string_equal(a.request_id, "4442587FB7D0A2F9");
	assert_non_null(strstr(a.message, "expecting 'eu-west-1'"));
	assert_int_equal(mf_s3_xml_error(rgw, strlen(rgw), &a, &e), 0);
	assert_string_equal(a.code, "NoSuchKey");
	assert_string_equal(a.message, "");
	assert_string_equal(a.region, "");
	assert_string_equal(a.bucket, "b");
	assert_int_equal(mf_s3_xml_error(sts, strlen(sts), &a, &e), 0);
	assert_string_equal(a.code, "ExpiredTokenException");
	assert_int_equal(mf_s3_xml_error(redirect, strlen(redirect), &a, &e), 0);
	assert_string_equal(a.endpoint, "b.s3-eu-west-1.amazonaws.com");
	assert_int_equal(mf_s3_xml_error("<html/>", 7, &a, &e), -1);
	assert_int_equal(mf_s3_xml_error("", 0, &a, &e), -1);
	assert_int_equal(mf_s3_xml_error(aws, strlen(aws) - 1, &a, &e), -1);
	assert_string_equal(a.code, "");
	snprintf(text, sizeof text, "<Error><Code>%0900d</Code></Error>", 7); /* cut, not refused */
	assert_int_equal(mf_s3_xml_error(text, strlen(text), &a, &e), 0);
	assert_int_equal(strlen(a.code), sizeof a.code - 1);
}

static void
starts_of_uploads(void **state)
{
	static const char good[] =
	    DECLARATION "<InitiateMultipartUploadResult" NAMESPACE "><Bucket>b</Bucket><Key>k</Key>"
			"<UploadId>2~VXBsb2FkIElE+/=</UploadId></InitiateMultipartUploadResult>";
	static const char none[] = "<InitiateMultipartUploadResult><UploadId/>"
				   "</InitiateMultipartUploadResult>";
	char id[MF_S3_UPLOAD_ID_BYTES], text[2048];
	struct mf_error e;

	(void)state;
	assert_int_equal(mf_s3_xml_initiated(good, strlen(good), id, &e), 0);
	assert_string_equal(id, "2~VXBsb2FkIElE+/=");
	assert_int_equal(mf_s3_xml_initiated(none, strlen(none), id, &e), -1);
	assert_int_equal(mf_s3_xml_initiated("<Error/>", 8, id, &e), -1);
	snprintf(text, sizeof text,
	    "<InitiateMultipartUploadResult><UploadId>%01024d</UploadId>"
	    "</InitiateMultipartUploadResult>",
	    7);
	assert_int_equal(mf_s3_xml_initiated(text, strlen(text), id, &e), -1);
}

static void
results(void **state)
{
	static const char complete[] = DECLARATION
	    "\n  \n<CompleteMultipartUploadResult" NAMESPACE "><Location>http://x/k</Location>"
	    "<ETag>&quot;3858f62230ac3c915f300c664312c11f-9&quot;</ETag>"
	    "</CompleteMultipartUploadResult>";
	static const char rgw[] = "<CompleteMultipartUploadResult><ETag></ETag>"
				  "</CompleteMultipartUploadResult>";
	static const char copy[] = "<CopyObjectResult><LastModified>2026-01-31T12:00:00Z"
				   "</LastModified><ETag>9b2cf535f27731c974343645a3985328</ETag>"
				   "</CopyObjectResult>";
	static const char error[] = DECLARATION
	    "\n\n<Error><Code>InternalError</Code><Message>We encountered an internal error. "
	    "Please try again.</Message><RequestId>656c</RequestId></Error>";
	char etag[MF_S3_ETAG_BYTES], text[1024];
	struct mf_s3_error_answer a;
	struct mf_error e;

	(void)state;
	assert_int_equal(mf_s3_xml_result(complete, strlen(complete), etag, &a, &e), 0);
	assert_string_equal(etag, "3858f62230ac3c915f300c664312c11f-9");
	assert_int_equal(mf_s3_xml_result(rgw, strlen(rgw), etag, &a, &e), 0);
	assert_string_equal(etag, "");
	assert_int_equal(mf_s3_xml_result(copy, strlen(copy), etag, &a, &e), 0);
	assert_string_equal(etag, "9b2cf535f27731c974343645a3985328");
	assert_int_equal(mf_s3_xml_result(error, strlen(error), etag, &a, &e), 1);
	assert_string_equal(a.code, "InternalError");
	assert_int_equal(mf_s3_xml_result("", 0, etag, &a, &e), -1);
	assert_int_equal(mf_s3_xml_result("   ", 3, etag, &a, &e), -1);
	assert_int_equal(mf_s3_xml_result(complete, strlen(complete) - 3, etag, &a, &e), -1);
	snprintf(text, sizeof text, "<CopyObjectResult><ETag>%0200d</ETag></CopyObjectResult>", 7);
	assert_int_equal(mf_s3_xml_result(text, strlen(text), etag, &a, &e), -1);
	snprintf(text, sizeof text, "<CopyPartResult><ETag>W/\"x\"</ETag></CopyPartResult>");
	assert_int_equal(mf_s3_xml_result(text, strlen(text), etag, &a, &e), 0);
	assert_string_equal(etag, "x");
}

static void
locations(void **state)
{
	static const struct {
		const char *text, *region;
	} rows[] = {{"<LocationConstraint" NAMESPACE "/>", "us-east-1"},
	    {DECLARATION "<LocationConstraint>EU</LocationConstraint>", "eu-west-1"},
	    {"<LocationConstraint>eu-central-1</LocationConstraint>", "eu-central-1"},
	    {"<LocationConstraint>default</LocationConstraint>", "default"}};
	char region[MF_S3_REGION_BYTES];
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(mf_s3_xml_location(rows[i].text, strlen(rows[i].text), region, &e),
		    0);
		assert_string_equal(region, rows[i].region);
	}
	assert_int_equal(mf_s3_xml_location("<Error/>", 8, region, &e), -1);
}

static void
lists_of_uploads(void **state)
{
	static const char text[] = DECLARATION
	    "<ListMultipartUploadsResult" NAMESPACE "><Bucket>b</Bucket><KeyMarker/>"
	    "<NextKeyMarker>my-movie%2B.m2ts</NextKeyMarker>"
	    "<NextUploadIdMarker>YW55+IG</NextUploadIdMarker><EncodingType>url</EncodingType>"
	    "<IsTruncated>true</IsTruncated>"
	    "<Upload><Key>my-divisor</Key><UploadId>XMgb</UploadId><Initiator><ID>i</ID>"
	    "</Initiator><Initiated>2010-11-10T20:48:33.000Z</Initiated></Upload>"
	    "<Upload><Key>my-movie%2B.m2ts</Key><UploadId>VXBs</UploadId>"
	    "<Initiated>2010-11-10T20:48:34.000Z</Initiated></Upload>"
	    "</ListMultipartUploadsResult>";
	static const char *const bad[] = {"<ListMultipartUploadsResult>" MORE
					  "</ListMultipartUploadsResult>",
	    "<ListMultipartUploadsResult></ListMultipartUploadsResult>",
	    "<ListMultipartUploadsResult>" WHOLE "<Upload><Key>k</Key><Initiated>"
	    "2010-11-10T20:48:34.000Z</Initiated></Upload></ListMultipartUploadsResult>",
	    "<ListMultipartUploadsResult>" WHOLE "<Upload><Key>k</Key><UploadId>i</UploadId>"
	    "</Upload></ListMultipartUploadsResult>"};
	struct mf_s3_uploads u;
	struct mf_error e;
	size_t i;

	(void)state;
	assert_int_equal(mf_s3_xml_uploads(text, strlen(text), &u, &e), 0);
	assert_int_equal(u.n_uploads, 2);
	assert_true(u.truncated);
	assert_string_equal(u.key_marker, "my-movie+.m2ts");
	assert_string_equal(u.id_marker, "YW55+IG");
	assert_string_equal(u.uploads[0].id, "XMgb");
	assert_int_equal(u.uploads[0].initiated_us, INT64_C(1289422113000000));
	assert_string_equal(u.uploads[1].key, "my-movie+.m2ts");
	mf_s3_uploads_fini(&u);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(mf_s3_xml_uploads(bad[i], strlen(bad[i]), &u, &e), -1);
}

static void
lists_of_parts(void **state)
{
	static const char text[] = DECLARATION
	    "<ListPartsResult" NAMESPACE "><Bucket>b</Bucket><Key>k</Key><UploadId>u</UploadId>"
	    "<PartNumberMarker>1</PartNumberMarker><NextPartNumberMarker>3</NextPartNumberMarker>"
	    "<IsTruncated>true</IsTruncated><Part><PartNumber>2</PartNumber>"
	    "<LastModified>2010-11-10T20:48:34.000Z</LastModified>"
	    "<ETag>\"7778aef83f66abc1fa1e8477f296d394\"</ETag><Size>10485760</Size></Part>"
	    "<Part><PartNumber>3</PartNumber><ETag>\"aaaa18db4cc2f85cedef654fccc4a4x8\"</ETag>"
	    "<Size>5</Size></Part></ListPartsResult>";
	static const char *const bad[] = {"<ListPartsResult>" MORE "</ListPartsResult>",
	    "<ListPartsResult>" MORE "<NextPartNumberMarker>0</NextPartNumberMarker>"
	    "</ListPartsResult>",
	    "<ListPartsResult>" WHOLE "<Part><PartNumber>0</PartNumber><ETag>e</ETag>"
	    "<Size>1</Size></Part></ListPartsResult>",
	    "<ListPartsResult>" WHOLE "<Part><PartNumber>10001</PartNumber><ETag>e</ETag>"
	    "<Size>1</Size></Part></ListPartsResult>",
	    "<ListPartsResult>" WHOLE "<Part><PartNumber>1</PartNumber><Size>1</Size></Part>"
	    "</ListPartsResult>"};
	struct mf_s3_parts p;
	struct mf_error e;
	size_t i;

	(void)state;
	assert_int_equal(mf_s3_xml_parts(text, strlen(text), &p, &e), 0);
	assert_int_equal(p.n_parts, 2);
	assert_int_equal(p.next, 3);
	assert_int_equal(p.parts[0].number, 2);
	assert_int_equal(p.parts[0].size_bytes, 10485760);
	assert_string_equal(p.parts[0].etag, "7778aef83f66abc1fa1e8477f296d394");
	assert_int_equal(p.parts[1].number, 3);
	mf_s3_parts_fini(&p);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(mf_s3_xml_parts(bad[i], strlen(bad[i]), &p, &e), -1);
}

static void
deletions(void **state)
{
	static const char text[] = DECLARATION
	    "<DeleteResult" NAMESPACE "><Deleted><Key>sample1.txt</Key></Deleted>"
	    "<Error><Key>sample2.txt</Key><Code>AccessDenied</Code><Message>Access Denied"
	    "</Message></Error><Error><Key>s3</Key><Code>InternalError</Code></Error>"
	    "</DeleteResult>";
	static const char lacking[] = "<DeleteResult><Error><Key>k</Key></Error></DeleteResult>";
	static const char error[] = "<Error><Code>MalformedXML</Code></Error>";
	struct mf_s3_error_answer a;
	struct mf_s3_deleted d;
	struct mf_error e;

	(void)state;
	assert_int_equal(mf_s3_xml_deleted(text, strlen(text), &d, &a, &e), 0);
	assert_int_equal(d.n_deleted, 1);
	assert_int_equal(d.n_failures, 2);
	assert_string_equal(d.failures[0].key, "sample2.txt");
	assert_string_equal(d.failures[0].code, "AccessDenied");
	assert_string_equal(d.failures[0].message, "Access Denied");
	assert_string_equal(d.failures[1].message, "");
	mf_s3_deleted_fini(&d);
	assert_int_equal(mf_s3_xml_deleted("<DeleteResult/>", 15, &d, &a, &e), 0);
	assert_int_equal(d.n_failures, 0);
	mf_s3_deleted_fini(&d);
	assert_int_equal(mf_s3_xml_deleted(lacking, strlen(lacking), &d, &a, &e), -1);
	assert_int_equal(mf_s3_xml_deleted(error, strlen(error), &d, &a, &e), 1);
	assert_string_equal(a.code, "MalformedXML");
}

static void
written_bodies(void **state)
{
	static const struct mf_s3_part parts[] = {{1, 5, "abc"}, {7, 5, "d&e"}};
	static const char *const keys[] = {
	    "a<b>&\"c'\r\n\t", "\xc3\xa4\xe2\x98\xba\xf0\x9f\x8c\x8d"};
	static const char *const bad[] = {"\x01", "a\x1f", "\xff", "\xc3", "\xc0\x80",
	    "\xe0\x80\x80", "\xed\xa0\x80", "\xef\xbf\xbf", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
	    "\xf5\x80\x80\x80", "a\xe2\x98"};
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e;
	size_t i;

	(void)state;
	assert_int_equal(mf_s3_xml_put_complete(&b, parts, 2, &e), 0);
	assert_string_equal(mf_buf_cstr(&b),
	    "<CompleteMultipartUpload" NAMESPACE ">"
	    "<Part><PartNumber>1</PartNumber><ETag>&quot;abc&quot;</ETag></Part>"
	    "<Part><PartNumber>7</PartNumber><ETag>&quot;d&amp;e&quot;</ETag></Part>"
	    "</CompleteMultipartUpload>");
	mf_buf_clear(&b);
	assert_int_equal(mf_s3_xml_put_delete(&b, keys, 2, &e), 0);
	assert_string_equal(mf_buf_cstr(&b),
	    "<Delete" NAMESPACE "><Quiet>true</Quiet><Object><Key>"
	    "a&lt;b&gt;&amp;&quot;c&apos;&#13;&#10;&#9;</Key></Object><Object><Key>"
	    "\xc3\xa4\xe2\x98\xba\xf0\x9f\x8c\x8d</Key></Object></Delete>");
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(mf_s3_xml_put_delete(&b, &bad[i], 1, &e), -1);
		assert_int_equal(e.code, MF_EUNSUPPORTED);
	}
	mf_buf_fini(&b);
}

static void
times(void **state)
{
	static const struct {
		const char *text;
		int64_t want; /* -1: refused */
	} rows[] = {{"2026-01-31T12:00:00Z", INT64_C(1769860800000000)},
	    {"2026-01-31T12:00:00.5Z", INT64_C(1769860800500000)},
	    {"2026-01-31T12:00:00.000Z", INT64_C(1769860800000000)},
	    {"2026-01-31T12:00:00.123456789Z", INT64_C(1769860800123456)},
	    {"2026-01-31T12:00:00.1234567891234567891234567Z", INT64_C(1769860800123456)}, {"", -1},
	    {"2026-01-31", -1}, {"2026-01-31T12:00:00", -1}, {"2026-01-31T12:00:00.Z", -1},
	    {"2026-01-31T12:00:00.1234567", -1}, {"2026-01-31T12:00:00.1234567+01:00", -1},
	    {"2026-02-30T12:00:00Z", -1}};
	int64_t us;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		us = -1;
		assert_int_equal(mf_s3_time_parse(rows[i].text, &us), rows[i].want < 0 ? -1 : 0);
		assert_int_equal(us, rows[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(version_2),
	    cmocka_unit_test(empty_listing),
	    cmocka_unit_test(version_1),
	    cmocka_unit_test(url_encoding),
	    cmocka_unit_test(thousand_objects),
	    cmocka_unit_test(bad_listings),
	    cmocka_unit_test(cut_short),
	    cmocka_unit_test(limits),
	    cmocka_unit_test(errors),
	    cmocka_unit_test(starts_of_uploads),
	    cmocka_unit_test(results),
	    cmocka_unit_test(locations),
	    cmocka_unit_test(lists_of_uploads),
	    cmocka_unit_test(lists_of_parts),
	    cmocka_unit_test(deletions),
	    cmocka_unit_test(written_bodies),
	    cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
