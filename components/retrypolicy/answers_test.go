package retrypolicy

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Each HTTP status, through the linked exporter. Without the policy most of
// these are permanent errors, which delete the request.
func TestEveryHTTPAnswerKeepsTheData(t *testing.T) {
	for code := 200; code < 600; code++ {
		if code == 307 || code == 308 || code == 413 {
			continue // a test of their own
		}
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			k, b := newKit(t), &backend{}
			b.status = func(int, []string) int { return code }
			err := overHTTP(t, k, b, nil).ConsumeLogs(t.Context(), someLogs(3))
			switch {
			case code/100 == 2:
				require.NoError(t, err)
				require.Len(t, b.taken(), 3)
				require.Empty(t, k.files(t))
			case code == 400 || code == 422:
				require.NoError(t, err)
				require.Len(t, k.kept(t), 3)
				require.EqualValues(t, 1, k.metric(t, "quarantined_requests", "signal=logs", "reason=refused"))
				require.EqualValues(t, 1, k.metric(t, "answers", "transport=http", "action=quarantine", fmt.Sprintf("code=%d", code)))
			default:
				require.Error(t, err)
				require.False(t, consumererror.IsPermanent(err), "a permanent error deletes the request: %v", err)
				require.Empty(t, k.files(t))
				require.EqualValues(t, 1, k.metric(t, "answers", "transport=http", "action=retry", fmt.Sprintf("code=%d", code)))
				if code != 429 && code != 502 && code != 503 && code != 504 {
					require.ErrorContains(t, err, fmt.Sprintf("retry_policy retries the answer %d", code))
				}
			}
		})
	}
}

func TestEveryGRPCAnswerKeepsTheData(t *testing.T) {
	for code := codes.Code(0); code <= codes.Unauthenticated; code++ {
		t.Run(code.String(), func(t *testing.T) {
			k, b := newKit(t), &backend{}
			b.grpc = func([]string) error { return status.Error(code, "because") }
			err := overGRPC(t, k, b).ConsumeLogs(t.Context(), someLogs(3))
			switch code {
			case codes.OK:
				require.NoError(t, err)
				require.Len(t, b.taken(), 3)
			case codes.InvalidArgument:
				require.NoError(t, err)
				require.Len(t, k.kept(t), 3)
				require.EqualValues(t, 1, k.metric(t, "answers", "transport=grpc", "action=quarantine", "code=InvalidArgument"))
			default:
				require.Error(t, err)
				require.False(t, consumererror.IsPermanent(err), "a permanent error deletes the request: %v", err)
				require.ErrorContains(t, err, "because")
				require.EqualValues(t, 1, k.metric(t, "answers", "transport=grpc", "action=retry", "code="+code.String()))
			}
		})
	}
}

func TestTheListsAreTheOperators(t *testing.T) {
	k := newKit(t, func(c *Config) {
		c.HTTP = HTTPConfig{Quarantine: []int{401}, Split: []int{}}
		c.GRPC.Quarantine = []string{"permission_denied"}
	})
	b := &backend{status: func(int, []string) int { return 401 }}
	require.NoError(t, overHTTP(t, k, b, nil).ConsumeLogs(t.Context(), someLogs(1)))
	for _, code := range []int{400, 413} {
		b.status = func(int, []string) int { return code }
		err := overHTTP(t, k, b, nil).ConsumeLogs(t.Context(), someLogs(1))
		require.Error(t, err)
		require.False(t, consumererror.IsPermanent(err))
	}
	b.grpc = func([]string) error { return status.Error(codes.PermissionDenied, "no") }
	require.NoError(t, overGRPC(t, k, b).ConsumeLogs(t.Context(), someLogs(1)))
	require.Len(t, k.files(t), 2)
}

// http.Client follows 301, 302 and 303 with a GET and reports its 200.
func TestARedirectIsNotADelivery(t *testing.T) {
	for _, code := range []int{301, 302, 303} {
		k := newKit(t)
		b := &backend{status: func(_ int, bodies []string) int {
			if len(bodies) == 0 {
				return 200
			}
			return code
		}}
		err := overHTTP(t, k, b, nil).ConsumeLogs(t.Context(), someLogs(3))
		require.Error(t, err, code)
		require.False(t, consumererror.IsPermanent(err), code)
	}
}

func TestARedirectThatKeepsTheBodyIsFollowed(t *testing.T) {
	for _, code := range []int{307, 308} {
		k, first := newKit(t), true
		b := &backend{status: func(int, []string) int {
			if first {
				first = false
				return code
			}
			return 200
		}}
		require.NoError(t, overHTTP(t, k, b, nil).ConsumeLogs(t.Context(), someLogs(3)), code)
		require.Len(t, b.taken(), 3)
	}
}

func TestABackendThatIsAwayIsRetried(t *testing.T) {
	k := newKit(t)
	exp := overHTTP(t, k, &backend{}, map[string]any{"endpoint": "http://127.0.0.1:1"})
	err := exp.ConsumeLogs(t.Context(), someLogs(1))
	require.Error(t, err)
	require.False(t, consumererror.IsPermanent(err))
}

// Each compression the exporter can write, and both of its encodings.
func TestATooLargeRequestIsSplitUntilItFits(t *testing.T) {
	const records = 100
	for _, compression := range []string{"none", "gzip", "zstd", "snappy", "x-snappy-framed", "zlib", "deflate", "lz4"} {
		for _, encoding := range []string{"proto", "json"} {
			t.Run(compression+" "+encoding, func(t *testing.T) {
				k, b := newKit(t), &backend{}
				b.status = func(_ int, bodies []string) int {
					if len(bodies) > 9 {
						return 413
					}
					return 200
				}
				exp := overHTTP(t, k, b, map[string]any{"compression": compression, "encoding": encoding})
				require.NoError(t, exp.ConsumeLogs(t.Context(), someLogs(records)))
				require.Equal(t, bodiesOf(someLogs(records)), b.taken(), "each record once, in order")
				require.Empty(t, k.files(t))
				require.Positive(t, k.metric(t, "answers", "action=split", "code=413"))
			})
		}
	}
}

func TestASingleItemThatIsTooLargeGoesToQuarantine(t *testing.T) {
	k, b := newKit(t), &backend{}
	b.status = func(_ int, bodies []string) int {
		for _, body := range bodies {
			if body == "record 5" {
				return 413
			}
		}
		return 200
	}
	require.NoError(t, overHTTP(t, k, b, nil).ConsumeLogs(t.Context(), someLogs(20)))
	require.Len(t, b.taken(), 19)
	require.Equal(t, []string{"record 5"}, k.kept(t))
	require.EqualValues(t, 1, k.metric(t, "quarantined_requests", "reason=too_large"))
}

func TestATooLargeGRPCMessageIsSplit(t *testing.T) {
	k, b := newKit(t), &backend{}
	exp := overGRPC(t, k, b, grpc.MaxRecvMsgSize(1000))
	require.NoError(t, exp.ConsumeLogs(t.Context(), someLogs(100)))
	require.Equal(t, bodiesOf(someLogs(100)), b.taken())

	one := someLogs(1)
	one.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().SetStr(strings.Repeat("x", 2000))
	require.NoError(t, exp.ConsumeLogs(t.Context(), one))
	require.Len(t, k.kept(t), 1)
}

func TestTheWordsOfTooLarge(t *testing.T) {
	for message, code := range map[string]codes.Code{
		"grpc: received message larger than max (5 vs. 4)":                                      codes.ResourceExhausted,
		"Received message larger than max (5 vs. 4)":                                            codes.ResourceExhausted,
		"gRPC message exceeds maximum size 4194304: 5000000":                                    codes.ResourceExhausted,
		"Received message exceeds the maximum configured message size.":                         codes.ResourceExhausted,
		"unexpected HTTP status code received from server: 413 (Request Entity Too Large); ...": codes.Unknown,
	} {
		require.True(t, tooLarge(code, message), message)
	}
	require.False(t, tooLarge(codes.ResourceExhausted, "quota exceeded"))
	require.False(t, tooLarge(codes.Unknown, "unexpected HTTP status code received from server: 403 (Forbidden)"))
}

// The exporter sends a request again as a whole when a part of it failed.
func TestPartsThatArrivedAreNotSentAgain(t *testing.T) {
	k, b := newKit(t), &backend{}
	down := true
	b.status = func(_ int, bodies []string) int {
		switch {
		case len(bodies) > 9:
			return 413
		case down && bodies[0] != "record 0":
			return 503
		}
		return 200
	}
	exp := overHTTP(t, k, b, nil)
	err := exp.ConsumeLogs(t.Context(), someLogs(100))
	require.Error(t, err)
	require.False(t, consumererror.IsPermanent(err))
	require.NotEmpty(t, b.taken())
	down = false
	require.NoError(t, exp.ConsumeLogs(t.Context(), someLogs(100)))
	require.Equal(t, bodiesOf(someLogs(100)), b.taken(), "each record once, in order")

	require.NoError(t, exp.ConsumeLogs(t.Context(), someLogs(100)))
	require.Len(t, b.taken(), 200, "equal data that comes later is other data")
}

func TestSentPartsAreBounded(t *testing.T) {
	s := newSentParts()
	for i := range maxSentParts + 10 {
		s.add(partKey("logs", fmt.Append(nil, i)))
	}
	require.Equal(t, maxSentParts, s.known.Len())
	require.False(t, s.has(partKey("logs", fmt.Append(nil, 0))))
	require.True(t, s.has(partKey("logs", fmt.Append(nil, maxSentParts))))
}

func TestRejectedItemsAreCountedAndKept(t *testing.T) {
	k, b := newKit(t), &backend{rejected: 2}
	require.NoError(t, overHTTP(t, k, b, map[string]any{"compression": "zstd"}).ConsumeLogs(t.Context(), someLogs(5)))
	require.NoError(t, overGRPC(t, k, b).ConsumeLogs(t.Context(), someLogs(5)))
	require.EqualValues(t, 4, k.metric(t, "rejected_items", "signal=logs"))
	require.EqualValues(t, 2, k.metric(t, "quarantined_requests", "reason=partial_success"))
	require.Len(t, k.kept(t), 10)
}

// Quarantine must hold no key: not in a name, not in a file.
func TestQuarantineHoldsNoHeaders(t *testing.T) {
	k := newKit(t)
	b := &backend{status: func(int, []string) int { return 400 }}
	require.NoError(t, overHTTP(t, k, b, nil).ConsumeLogs(t.Context(), someLogs(5)))
	require.Equal(t, "secret-key", b.headers[0].Get("dd-api-key"), "the backend gets it")
	files := k.files(t)
	require.Len(t, files, 1)
	content, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.NotContains(t, string(content)+files[0], "secret-key")
	require.Regexp(t, `/\d{8}T\d{6}\.\d{9}Z-[0-9a-f]{8}-refused\.logs\.pb$`, files[0])
}

// An operator reads what the backend said, on one line and within bounds.
func TestAnAnswersTextIsReadable(t *testing.T) {
	status, err := proto.Marshal(&spb.Status{Code: 7, Message: "key\nrevoked"})
	require.NoError(t, err)
	for body, want := range map[string]string{
		string(status): "key revoked",
		`{"code":16,"message":"api key revoked"}`: `{"code":16,"message":"api key revoked"}`,
		"<html>\r\n <b>403</b>\x00 ":              "<html> <b>403</b>",
		"\xff\xfe":                                "",
		"":                                        "",
		strings.Repeat("é", 200):                  strings.Repeat("é", maxText/2) + "…",
	} {
		require.Equal(t, want, answerText([]byte(body)))
	}
}
