package vitals

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTemplatesStandForPaths(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://shop.example/product/4711/reviews?x=1#top": "/product/?/reviews",
		"https://shop.example":                              "/",
		"https://shop.example/":                             "/",
		"/cart#/items/7":                                    "/cart",
		"https://shop.example/u/5f0c6a2e-1":                 "/u/?",
		"main":                                              "",
		"":                                                  "",
		"/" + strings.Repeat("a/", 20):                      "/a/a/a/a/a/a/a/a/a/a/…",
		"/" + strings.Repeat("a", 100):                      "/?",
	} {
		require.Equal(t, want, Template(url), url)
	}
}
