package sharedcomponent

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
)

// Stop says which pipeline's shutdown stops the instance.
type Stop int

const (
	// StopAtFirst suits receivers: nothing may enter a pipeline once the
	// collector has begun to stop what is behind it.
	StopAtFirst Stop = iota
	// StopAtLast suits processors: as long as one pipeline runs, it needs the instance.
	StopAtLast
)

// Map finds instances by key, which is the component's *Config.
type Map[K comparable, V component.Component] struct {
	stop Stop

	mu        sync.Mutex
	instances map[K]*instance[V]
}

// New returns an empty Map.
func New[K comparable, V component.Component](stop Stop) *Map[K, V] {
	return &Map[K, V]{stop: stop, instances: map[K]*instance[V]{}}
}

// Get returns a new Handle of the instance of key, which create makes if there is none.
func (m *Map[K, V]) Get(key K, create func() (V, error)) (*Handle[V], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.instances[key]
	if i == nil {
		v, err := create()
		if err != nil {
			return nil, err
		}
		i = &instance[V]{component: v, stop: m.stop}
		i.forget = func() { m.forget(key, i) }
		m.instances[key] = i
	}
	return &Handle[V]{shared: i}, nil
}

func (m *Map[K, V]) forget(key K, i *instance[V]) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.instances[key] == i {
		delete(m.instances, key)
	}
}

// instance is what the handles of one key share.
type instance[V component.Component] struct {
	component V
	stop      Stop
	forget    func()

	mu       sync.Mutex // held while the component starts or stops, so that no pipeline goes on before that is done
	host     statusHost
	started  bool
	startErr error
	users    int // handles that are started
	stopped  bool
}

func (i *instance[V]) start(ctx context.Context, host component.Host) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.users++
	i.host.add(host)
	if !i.started {
		i.started = true
		i.startErr = i.component.Start(ctx, &i.host)
	}
	return i.startErr
}

func (i *instance[V]) shutdown(ctx context.Context, wasStarted bool) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if wasStarted {
		i.users--
	}
	if i.stopped || i.stop == StopAtLast && i.users > 0 {
		return nil
	}
	i.stopped = true
	i.forget()
	return i.component.Shutdown(ctx)
}
