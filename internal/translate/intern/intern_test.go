package intern

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEqualStringsHaveOneNumber(t *testing.T) {
	t.Parallel()
	table := NewTable(NewNames([]string{"", "env"}))
	require.Equal(t, Empty, table.Bytes(nil))
	require.Equal(t, Sym(1), table.Bytes([]byte("env")))
	require.Equal(t, Sym(1), table.Text("env"))
	shop := table.Bytes([]byte("shop"))
	require.Equal(t, shop, table.Text("shop"))
	require.Equal(t, shop, table.Unique([]byte("shop")))
	require.Equal(t, "shop", table.String(shop))
	long := strings.Repeat("x", maxLookedUp+1)
	require.Equal(t, table.Unique([]byte(long)), table.Unique([]byte(long)))
	require.NotEqual(t, table.Bytes([]byte(long)), table.Bytes([]byte(long)), "long strings are not looked up")
}

func TestInvalidUTF8IsRepairedByteByByteAndFoundAgain(t *testing.T) {
	t.Parallel()
	table := NewTable(NewNames([]string{""}))
	y := table.Bytes([]byte("a\xff\xfeb"))
	require.Equal(t, "a\uFFFD\uFFFDb", table.String(y))
	require.Equal(t, y, table.Bytes([]byte("a\xff\xfeb")))
}

func TestResetForgetsEverythingButTheNames(t *testing.T) {
	t.Parallel()
	table := NewTable(NewNames([]string{"", "env"}))
	for range 2 {
		for range maxKept {
			table.Hold("x")
		}
		table.Bytes([]byte("shop"))
		table.Reset()
		require.Equal(t, 2, table.Len())
		require.Equal(t, Sym(2), table.Bytes([]byte("shop")))
		require.Equal(t, Sym(1), table.Bytes([]byte("env")))
		table.Reset()
	}
}

func TestAKnownStringIsFoundWithoutAllocating(t *testing.T) {
	table := NewTable(NewNames([]string{"", "env"}))
	b := []byte("http.method")
	table.Bytes(b)
	require.Zero(t, testing.AllocsPerRun(100, func() { table.Bytes(b) }))
}
