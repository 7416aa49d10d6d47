package index

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

func claim(session, view string) *Said {
	var s Said
	s.Claim[SessionID], s.Claim[ViewID] = session, view
	return &s
}

func baggage(session, user string) *Said { return &Said{Session: session, User: user} }

// resolved adds what records said in many orders and returns what is certain,
// which must be the same each time.
func resolved(t *testing.T, all ...*Said) (ctx RUM, conflicts int64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 50 {
		var e entry
		var n int64
		for _, s := range all {
			c, _ := e.addUser(s)
			n += c
		}
		if got := e.rum.Value(); round == 0 {
			ctx, conflicts = got, n
		} else {
			require.Equal(t, ctx, got, "the order of arrival decides")
			require.Equal(t, conflicts > 0, n > 0)
		}
		all = append(all, all[rng.IntN(len(all))]) // and repetition decides nothing either
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	return ctx, conflicts
}

func TestABackendsSessionOutranksAClaim(t *testing.T) {
	t.Parallel()
	ctx, conflicts := resolved(t, claim("honest", "home"), claim("stranger", "elsewhere"), baggage("honest", "u-1"))
	require.Equal(t, RUM{SessionID: "honest", UserID: "u-1", ViewID: "home"}, ctx, "a claim of another session erases nothing")
	require.Positive(t, conflicts)

	ctx, conflicts = resolved(t, claim("stranger", "elsewhere"), baggage("honest", ""))
	require.Equal(t, RUM{SessionID: "honest"}, ctx)
	require.Positive(t, conflicts)

	ctx, _ = resolved(t, claim("", "home"), baggage("honest", ""))
	require.Equal(t, RUM{SessionID: "honest", ViewID: "home"}, ctx, "a claim of no session may be of this one")

	ctx, conflicts = resolved(t, claim("honest", "home"), baggage("honest", ""))
	require.Equal(t, RUM{SessionID: "honest", ViewID: "home"}, ctx)
	require.Zero(t, conflicts)
}

func TestWhatTwoSourcesDisagreeAboutIsNobodys(t *testing.T) {
	t.Parallel()
	ctx, conflicts := resolved(t, claim("one", "home"), claim("two", "home"))
	require.Equal(t, RUM{ViewID: "home"}, ctx)
	require.Positive(t, conflicts)

	ctx, _ = resolved(t, baggage("one", "u"), baggage("two", "u"))
	require.Equal(t, RUM{}, ctx)

	named := func(view, name string) *Said {
		s := claim("s", view)
		s.Claim[ViewName] = name
		return s
	}
	ctx, _ = resolved(t, named("v-1", "home"), named("v-2", "home"))
	require.Equal(t, RUM{SessionID: "s"}, ctx, "a name never stands beside the id of another view")
}

func TestClaimsOfManySessionsAreBounded(t *testing.T) {
	t.Parallel()
	var e entry
	var conflicts, grown int64
	for i := range 1000 {
		c, g := e.addUser(claim(fmt.Sprint("session ", i), "v"))
		conflicts, grown = conflicts+c, grown+g
	}
	require.EqualValues(t, 999, conflicts)
	require.Less(t, grown, int64(2000))
	require.Len(t, e.extra.(*user).claims, maxClaims)
}

// What a record may add is booked before it is known what it adds.
func TestABackendsAccountOutranksAClaim(t *testing.T) {
	t.Parallel()
	claimed := claim("s", "home")
	claimed.Claim[AccountID] = "claimed"
	ctx, _ := resolved(t, claimed, &Said{Session: "s", Account: "acme"})
	require.Equal(t, RUM{SessionID: "s", ViewID: "home", AccountID: "acme"}, ctx)
	ctx, conflicts := resolved(t, &Said{Account: "acme"}, &Said{Account: "other"})
	require.Empty(t, ctx[AccountID], "two backends disagree")
	require.Positive(t, conflicts)

	attrs := pcommon.NewMap()
	attrs.PutStr("account.id", "acme")
	_, found := ReadRUM(attrs, 10)
	require.False(t, found, "alone it may mean anything")
}

func TestNeededBytesAreAnUpperBound(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	values := []string{"", "a", "bb", "a long text of some kind"}
	pick := func() string { return values[rng.IntN(len(values))] }
	for range 2000 {
		var e entry
		for range 5 {
			s := &Said{Session: pick(), User: pick(), Account: pick()}
			for i := range s.Claim {
				s.Claim[i] = pick()
			}
			_, grown := e.addUser(s)
			require.LessOrEqual(t, grown, s.bytes())
		}
	}
}

func FuzzReadRUM(f *testing.F) {
	f.Add("session.id", "s")
	f.Add("rum.view.name", "home")
	f.Add("baggage.user.id", "u")
	f.Add("baggage.account.id", "a")
	f.Add("account.id", "a")
	f.Add("rum.", "")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, key, value string) {
		attrs := pcommon.NewMap()
		attrs.PutStr(key, value)
		said, found := ReadRUM(attrs, 10)
		require.Equal(t, found, said != Said{})
		require.True(t, !found || slices.Contains(RUMNames[:], key) || key == BaggageSession || key == BaggageUser || key == BaggageAccount)
	})
}
