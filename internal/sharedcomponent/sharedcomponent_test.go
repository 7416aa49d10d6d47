package sharedcomponent

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
)

type config struct{ _ int }

// counted is a component that counts its starts and stops.
type counted struct {
	starts, stops     int
	startErr, stopErr error
	host              component.Host
}

func (c *counted) Start(_ context.Context, host component.Host) error {
	c.starts++
	c.host = host
	return c.startErr
}

func (c *counted) Shutdown(context.Context) error {
	c.stops++
	return c.stopErr
}

func two(t *testing.T, m *Map[*config, *counted], cfg *config, c *counted) (a, b *Handle[*counted]) {
	t.Helper()
	made := 0
	create := func() (*counted, error) { made++; return c, nil }
	a, err := m.Get(cfg, create)
	require.NoError(t, err)
	b, err = m.Get(cfg, create)
	require.NoError(t, err)
	require.Equal(t, 1, made)
	require.Same(t, a.Instance(), b.Instance())
	return a, b
}

func start(t *testing.T, handles ...*Handle[*counted]) {
	t.Helper()
	for _, h := range handles {
		require.NoError(t, h.Start(t.Context(), componenttest.NewNopHost()))
	}
}

func TestOneConfigIsOneInstanceStartedOnce(t *testing.T) {
	t.Parallel()
	m, c := New[*config, *counted](StopAtFirst), new(counted)
	a, b := two(t, m, new(config), c)
	start(t, a, b, a)
	require.Equal(t, 1, c.starts)

	other, err := m.Get(new(config), func() (*counted, error) { return new(counted), nil })
	require.NoError(t, err)
	require.NotSame(t, c, other.Instance(), "another config, equal or not, is another instance")
}

func TestTheFirstShutdownStopsAReceiver(t *testing.T) {
	t.Parallel()
	c := new(counted)
	a, b := two(t, New[*config, *counted](StopAtFirst), new(config), c)
	start(t, a, b)
	require.NoError(t, a.Shutdown(t.Context()))
	require.Equal(t, 1, c.stops)
	require.NoError(t, b.Shutdown(t.Context()))
	require.Equal(t, 1, c.stops)
}

func TestTheLastShutdownStopsAProcessor(t *testing.T) {
	t.Parallel()
	c := new(counted)
	a, b := two(t, New[*config, *counted](StopAtLast), new(config), c)
	start(t, a, b)
	require.NoError(t, a.Shutdown(t.Context()))
	require.NoError(t, a.Shutdown(t.Context()), "twice by the same pipeline counts once")
	require.Zero(t, c.stops)
	require.NoError(t, b.Shutdown(t.Context()))
	require.Equal(t, 1, c.stops)
}

func TestAPipelineThatNeverStartedDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	c := new(counted)
	a, b := two(t, New[*config, *counted](StopAtLast), new(config), c)
	start(t, a)
	require.NoError(t, b.Shutdown(t.Context()))
	require.Zero(t, c.stops)
	require.NoError(t, a.Shutdown(t.Context()))
	require.Equal(t, 1, c.stops)
}

func TestAStoppedInstanceIsForgotten(t *testing.T) {
	t.Parallel()
	for _, stop := range []Stop{StopAtFirst, StopAtLast} {
		m, cfg, c := New[*config, *counted](stop), new(config), new(counted)
		a, b := two(t, m, cfg, c)
		require.NoError(t, a.Shutdown(t.Context()), "without having been started")
		require.Equal(t, 1, c.stops)

		next, err := m.Get(cfg, func() (*counted, error) { return new(counted), nil })
		require.NoError(t, err)
		require.NotSame(t, c, next.Instance())
		require.NoError(t, b.Shutdown(t.Context()))
		again, err := m.Get(cfg, func() (*counted, error) { return new(counted), nil })
		require.NoError(t, err)
		require.Same(t, next.Instance(), again.Instance(), "a late shutdown of the old one does not touch the new one")
	}
}

func TestEveryPipelineLearnsThatTheStartFailed(t *testing.T) {
	t.Parallel()
	c := &counted{startErr: errors.New("port is taken"), stopErr: errors.New("disk is full")}
	a, b := two(t, New[*config, *counted](StopAtLast), new(config), c)
	require.ErrorIs(t, a.Start(t.Context(), componenttest.NewNopHost()), c.startErr)
	require.ErrorIs(t, b.Start(t.Context(), componenttest.NewNopHost()), c.startErr)
	require.Equal(t, 1, c.starts)
	require.NoError(t, a.Shutdown(t.Context()))
	require.ErrorIs(t, b.Shutdown(t.Context()), c.stopErr)
}

func TestWhatCannotBeMadeIsTriedAgain(t *testing.T) {
	t.Parallel()
	m, cfg, refusal := New[*config, *counted](StopAtFirst), new(config), errors.New("bad config")
	_, err := m.Get(cfg, func() (*counted, error) { return nil, refusal })
	require.ErrorIs(t, err, refusal)
	_, err = m.Get(cfg, func() (*counted, error) { return new(counted), nil })
	require.NoError(t, err)
}

// reporting is a host that keeps what was reported.
type reporting struct {
	component.Host
	got []componentstatus.Status
}

func (r *reporting) Report(e *componentstatus.Event) { r.got = append(r.got, e.Status()) }

func TestStatusReachesEveryPipelineAlsoALaterOne(t *testing.T) {
	t.Parallel()
	c := new(counted)
	a, b := two(t, New[*config, *counted](StopAtFirst), new(config), c)
	first, second := &reporting{Host: componenttest.NewNopHost()}, &reporting{Host: componenttest.NewNopHost()}
	require.NoError(t, a.Start(t.Context(), first))
	componentstatus.ReportStatus(c.host, componentstatus.NewRecoverableErrorEvent(errors.New("slow")))
	require.NoError(t, b.Start(t.Context(), second))
	componentstatus.ReportStatus(c.host, componentstatus.NewEvent(componentstatus.StatusOK))
	want := []componentstatus.Status{componentstatus.StatusRecoverableError, componentstatus.StatusOK}
	require.Equal(t, want, first.got)
	require.Equal(t, want, second.got)
	require.Empty(t, c.host.GetExtensions())
}
