package intake

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/internal/answers"
)

func TestHowLongAnIntakeWantsToBeLeftAlone(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"7": 7 * time.Second, "0.5": 500 * time.Millisecond, "99999999": maxDelay, "-3": 0, "NaN": 0, "soon": 0, "": 0,
		now.Add(30 * time.Second).Format(http.TimeFormat): 30 * time.Second, now.Add(-time.Hour).Format(http.TimeFormat): 0, "Inf": maxDelay,
	} {
		require.Equal(t, want, delay(http.Header{"Retry-After": {value}}, now), value)
	}
	require.Equal(t, 4*time.Second, delay(http.Header{"X-Ratelimit-Reset": {"4"}}, now))
}

// part is a range of numbers.
type part []int

func sender(post func(part) Answer, kept *[]int) Sender[part] {
	return Sender[part]{
		Post: func(_ context.Context, p part) Answer { return post(p) },
		Halve: func(p part) (part, part, bool) {
			if len(p) < 2 {
				return nil, nil, false
			}
			return p[:len(p)/2], p[len(p)/2:], true
		},
		Keep: func(_ context.Context, p part, _ string) error {
			*kept = append(*kept, p...)
			return nil
		},
		Split: func(context.Context, string) {},
	}
}

func numbers(n int) (p part) {
	for i := range n {
		p = append(p, i)
	}
	return p
}

// Whatever the intake answers, each item is delivered, kept or returned, once.
func TestNothingIsLostAndNothingIsTwice(t *testing.T) {
	t.Parallel()
	for n := range 40 {
		for guilty := range n {
			var delivered, kept []int
			calls := 0
			rest, why := Deliver(t.Context(), []part{numbers(n)}, sender(func(p part) Answer {
				calls++
				switch {
				case slices.Contains(p, guilty):
					return Answer{Action: answers.Quarantine, Err: errors.New("400")}
				case calls%5 == 0:
					return Answer{Action: answers.Retry, Err: errors.New("503"), Stop: calls%10 == 0, Delay: time.Second}
				case len(p) > 7:
					return Answer{Action: answers.Split, Err: errors.New("413")}
				}
				delivered = append(delivered, p...)
				return Answer{}
			}, &kept))
			all := append(slices.Clone(delivered), kept...)
			for _, p := range rest {
				all = append(all, p...)
			}
			slices.Sort(all)
			require.Equal(t, []int(numbers(n)), all)
			require.Equal(t, len(rest) > 0, why.Err != nil)
			for _, k := range kept {
				require.Equal(t, guilty, k)
			}
		}
	}
}

func TestAKeyIsCheckedWithoutBeingRepeated(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "q1 w2e3", "abc12345\n", "${env:KEY}", "\x007f", "ключ"} {
		err := CheckKey(key)
		require.Error(t, err, "%q", key)
		if key != "" {
			require.NotContains(t, err.Error(), key)
		}
	}
	require.NoError(t, CheckKey("0123456789abcdef"))
}

func TestOneCallerTriesARefusedKeyAndTheOthersWait(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte("old"), 0o600))
	k, err := NewKey("", file)
	require.NoError(t, err)
	k.every = 5 * time.Millisecond
	require.True(t, k.refuse("old"), "the first tries again")
	require.False(t, k.refuse("old"), "the second waits")
	require.True(t, k.Refused())
	waiting := make(chan string)
	go func() {
		key, _ := k.acquire(t.Context())
		waiting <- key
	}()
	require.NoError(t, os.WriteFile(file, []byte("new"), 0o600))
	require.NoError(t, k.wait(t.Context(), time.Minute), "the file is looked at")
	require.Equal(t, "new", <-waiting)
	require.False(t, k.Refused(), "nobody has refused the new one")
}

func TestAKeyFileThatBecomesUnreadableLeavesTheKey(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte("old"), 0o600))
	k, err := NewKey("", file)
	require.NoError(t, err)
	require.NoError(t, os.Remove(file))
	require.True(t, k.refuse("old"))
	require.Equal(t, "old", k.current())
}

func TestCompressorsGiveWhatTheySay(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"zstd", "gzip", "none"} {
		c, err := NewCompressor(encoding)
		require.NoError(t, err)
		out, err := c.Compress([]byte("hello hello hello hello hello hello hello hello hello hello"))
		require.NoError(t, err)
		require.NotEmpty(t, out)
	}
}
