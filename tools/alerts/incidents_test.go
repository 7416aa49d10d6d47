package alerts

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// step is the time between two scrapes, and between two evaluations.
const step = time.Minute

// incident is what happens to a pod, and which alerts fire meanwhile.
type incident struct {
	Name    string
	Minutes int
	// Series are as promtool's tests write them; scraped adds what a scrape does.
	Series string
	// Fires are alerts with the labels that their texts use.
	Fires []string
}

func incidents(t *testing.T) []incident {
	t.Helper()
	raw, err := os.ReadFile("testdata/incidents.yaml")
	require.NoError(t, err)
	var found []incident
	require.NoError(t, yaml.Unmarshal(raw, &found))
	return found
}

func TestAlertsFireInTheirIncidentAndNowhereElse(t *testing.T) {
	t.Parallel()
	rules := chartRules(t)
	for _, in := range incidents(t) {
		t.Run(in.Name, func(t *testing.T) {
			t.Parallel()
			engine := promql.NewEngine(promql.EngineOpts{
				MaxSamples: 1e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute,
				EnableAtModifier: true, EnableNegativeOffset: true, Parser: parser.NewParser(parser.Options{}),
			})
			defer func() { require.NoError(t, engine.Close()) }()
			series := promqltest.LoadedStorage(t, "load "+step.String()+"\n"+scraped(t, in.Series))
			var fired []string
			for _, r := range rules {
				for _, l := range firing(t, engine, series, r, time.Duration(in.Minutes)*time.Minute) {
					if name := r.Alert + textLabels(t, r, l).String(); !slices.Contains(fired, name) {
						fired = append(fired, name)
					}
				}
			}
			require.ElementsMatch(t, in.Fires, fired)
		})
	}
}

func TestEveryAlertHasAnIncident(t *testing.T) {
	t.Parallel()
	fired := map[string]bool{}
	quiet := false
	for _, in := range incidents(t) {
		for _, f := range in.Fires {
			name, _, _ := strings.Cut(f, "{")
			fired[name] = true
		}
		quiet = quiet || len(in.Fires) == 0
	}
	for _, r := range chartRules(t) {
		require.True(t, fired[r.Alert], r.Alert)
	}
	require.True(t, quiet)
}

// A misspelt series would keep an alert silent for the wrong reason. docs/operate.md
// has a test of its own that each metric it names exists.
func TestSeriesOfIncidentsAreKnown(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../docs/operate.md")
	require.NoError(t, err)
	known := string(raw)
	for _, r := range chartRules(t) {
		known += r.Expr
	}
	for _, in := range incidents(t) {
		for _, m := range regexp.MustCompile(`(?m)^(\w+)`).FindAllStringSubmatch(in.Series, -1) {
			require.Regexp(t, `\b`+m[1]+`\b`, known, in.Name)
		}
	}
}

// scraped adds the labels that Prometheus gives to what it scrapes from a pod,
// where a series does not say its own.
func scraped(t *testing.T, series string) string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(series) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, values, ok := strings.Cut(line, " ")
		require.True(t, ok, line)
		// Label values here have no blanks.
		name, own, _ := strings.Cut(name, "{")
		own = strings.TrimSuffix(own, "}")
		for _, l := range [][2]string{{"namespace", "monitoring"}, {"job", "obs"}, {"pod", "gw-0"}, {"instance", "10.0.0.1:8888"}} {
			if !strings.Contains(own, l[0]+"=") {
				own = strings.TrimPrefix(own+","+l[0]+`="`+l[1]+`"`, ",")
			}
		}
		lines = append(lines, "  "+name+"{"+own+"} "+values)
	}
	return strings.Join(lines, "\n") + "\n"
}

// firing evaluates a rule at each step until end, and answers with the label
// sets that stayed in its result for as long as it asks.
func firing(t *testing.T, engine *promql.Engine, series storage.Queryable, r rule, end time.Duration) []labels.Labels {
	t.Helper()
	since := map[string]time.Time{}
	var fired []labels.Labels
	for at := time.Unix(0, 0); !at.After(time.Unix(0, 0).Add(end)); at = at.Add(step) {
		query, err := engine.NewInstantQuery(t.Context(), series, nil, r.Expr, at)
		require.NoError(t, err, r.Alert)
		vector, err := query.Exec(t.Context()).Vector()
		require.NoError(t, err, r.Alert)
		now := map[string]time.Time{}
		for _, sample := range vector {
			key := sample.Metric.String()
			now[key] = at
			if begun, ok := since[key]; ok {
				now[key] = begun
			}
			if at.Sub(now[key]) >= r.hold(t) {
				fired = append(fired, sample.Metric.Copy())
			}
		}
		query.Close()
		since = now
	}
	return fired
}

// textLabels are the labels that a rule's texts name: the alert must have them.
func textLabels(t *testing.T, r rule, l labels.Labels) labels.Labels {
	t.Helper()
	var names []string
	for _, text := range r.Annotations {
		for _, m := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(text, -1) {
			require.NotEmpty(t, l.Get(m[1]), "%s names it", r.Alert)
			names = append(names, m[1])
		}
	}
	return l.MatchLabels(true, names...)
}
