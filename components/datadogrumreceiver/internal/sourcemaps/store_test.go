package sourcemaps

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var now = time.Unix(1_800_000_000, 0)

func open(t *testing.T, dir string, limit int64) *Store {
	t.Helper()
	s := New(&Config{Directory: dir, MaxCachedBytes: limit})
	require.NoError(t, s.Open())
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// As node threw it, from a bundle that esbuild minified.
const thrown = `Error: no stock of socks
    at n (https://shop.example/assets/bundle.js?v=7:1:42)
    at t (https://shop.example/assets/bundle.js:1:107)
    at window.buy (https://shop.example/assets/bundle.js:1:142)
    at <anonymous>:3:198`

const inSource = `Error: no stock of socks
    at checkStock (src/shop.js:3:34)
    at buy (src/shop.js:8:10)
    at window.buy (src/shop.js:11:20)
    at <anonymous>:3:198`

func TestAStackIsFoundInItsSource(t *testing.T) {
	t.Parallel()
	s := open(t, "testdata", 1<<20)
	got, result, err := s.Symbolicate("shop-web", "1.0.0", thrown, now)
	require.NoError(t, err)
	require.Equal(t, Found, result)
	require.Equal(t, inSource, got)

	asSDK := strings.NewReplacer("(", "@ ", ")", "", "    at", "  at").Replace(thrown) // Datadog's SDK rewrites stacks
	got, result, _ = s.Symbolicate("shop-web", "1.0.0", asSDK, now)
	require.Equal(t, Found, result)
	require.Contains(t, got, "\n  at checkStock @ src/shop.js:3:34\n")
}

func TestWhatHasNoMapStaysAsItIs(t *testing.T) {
	t.Parallel()
	s := open(t, "testdata", 1<<20)
	for _, c := range []struct {
		service, version, stack string
		want                    Result
	}{
		{"shop-web", "2.0.0", thrown, Missing},
		{"other", "1.0.0", thrown, Missing},
		{"shop-web", "..", thrown, Missing},
		{"..", "shop-web", thrown, Missing},
		{"shop-web/1.0.0", "assets", thrown, Missing},
		{"shop-web", "1.0.0", "Error: x\n  at f @ https://a.example/../../1.0.0/assets/bundle.js:1:1", Missing},
		{"shop-web", "1.0.0", "Error: x\n  at f @ https://a.example/:1:1", Missing},
		{"shop-web", "1.0.0", "Error: see https://a.example/", Untouched},
		{"shop-web", "1.0.0", "", Untouched},
		{"shop-web", "broken", thrown, Bad},
	} {
		got, result, err := s.Symbolicate(c.service, c.version, c.stack, now)
		require.Equal(t, c.want, result, "%s %s", c.service, c.version)
		require.Empty(t, got)
		require.Equal(t, c.want == Bad, err != nil)
	}
	off := New(&Config{})
	require.NoError(t, off.Open())
	_, result, _ := off.Symbolicate("shop-web", "1.0.0", thrown, now)
	require.Equal(t, Untouched, result)
	require.ErrorContains(t, New(&Config{Directory: "testdata/none"}).Open(), "source_maps::directory")
}

func TestALinkOutOfTheDirectoryIsNotFollowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret, err := filepath.Abs("testdata/shop-web/1.0.0/assets/bundle.js.map")
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "shop-web", "1.0.0"), 0o755))
	require.NoError(t, os.Symlink(secret, filepath.Join(dir, "shop-web", "1.0.0", "bundle.js.map")))
	_, result, _ := open(t, dir, 1<<20).Symbolicate("shop-web", "1.0.0", thrown, now)
	require.NotEqual(t, Found, result)
}

func TestMapsInMemoryAreBoundedAndMissingOnesAreLookedForAgain(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/shop-web/1.0.0/assets/bundle.js.map")
	require.NoError(t, err)
	dir := t.TempDir()
	put := func(version string) {
		at := filepath.Join(dir, "shop-web", version)
		require.NoError(t, os.MkdirAll(at, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(at, "bundle.js.map"), raw, 0o600))
	}
	s := open(t, dir, int64(2*len(raw)))
	look := func(version string, at time.Time) Result {
		_, result, err := s.Symbolicate("shop-web", version, thrown, at)
		require.NoError(t, err)
		return result
	}
	for i, version := range []string{"1", "2", "3", "4"} {
		put(version)
		require.Equal(t, Found, look(version, now.Add(time.Duration(i)*time.Second)))
		require.LessOrEqual(t, len(s.maps), 2)
		require.LessOrEqual(t, s.bytes, int64(2*len(raw)))
	}
	require.Equal(t, Missing, look("5", now))
	put("5")
	require.Equal(t, Missing, look("5", now), "strangers name the scripts: not each of them is looked for each time")
	require.Equal(t, Found, look("5", now.Add(2*missingFor)))
}

func FuzzStack(f *testing.F) {
	f.Add("shop-web", "1.0.0", thrown)
	f.Add("shop-web", "1.0.0", "at f @ https://a/b.js:99999999:999999999\nat (https://a/assets/bundle.js:1:0)")
	s := New(&Config{Directory: "testdata", MaxCachedBytes: 1 << 20})
	require.NoError(f, s.Open())
	f.Fuzz(func(t *testing.T, service, version, stack string) {
		got, result, _ := s.Symbolicate(service, version, stack, now)
		require.Equal(t, result == Found, got != "")
		if got != "" {
			require.Equal(t, strings.Count(stack, "\n"), strings.Count(got, "\n"))
		}
	})
}
