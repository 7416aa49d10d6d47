// Package listeners finds in a collector's configuration which listeners stand behind the admission extension, what they are
// called, and what security their gRPC servers have.
package listeners

import (
	"context"
	"fmt"
	"maps"
	"net"
	"reflect"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configtls"
	"go.opentelemetry.io/collector/confmap"
	"google.golang.org/grpc/credentials"

	"github.com/otelcol-obs/otelcol-obs/components/admission/internal/otlpprice"
)

// Found is what a configuration says.
type Found struct {
	// Paths are the URL paths of otlp receivers that are not the usual ones.
	Paths map[string]otlpprice.Root
	// Decompressing are the HTTP listeners behind the extension that decompress before it.
	Decompressing []string
	// Unguarded are listeners that could stand behind the extension and do not.
	Unguarded []string

	names map[string]string // by port or path
	tls   []any             // of each gRPC listener, nil: none
	grpcs []string
}

// defaults are the endpoints of the otlp receiver.
var defaults = map[string]string{"grpc": "localhost:4317", "http": "localhost:4318"}

// Find looks through the receivers of conf for listeners that name self among their middlewares.
func Find(conf map[string]any, self component.ID) (*Found, error) {
	f := &Found{Paths: map[string]otlpprice.Root{}, names: map[string]string{}}
	receivers, _ := conf["receivers"].(map[string]any)
	used := inPipelines(conf)
	for _, id := range slices.Sorted(maps.Keys(receivers)) {
		if !used[id] {
			continue
		}
		section, _ := receivers[id].(map[string]any)
		kind, _, _ := strings.Cut(id, "/")
		f.walk(id, kind, section, "", self)
	}
	for _, tls := range f.tls {
		if !reflect.DeepEqual(tls, f.tls[0]) {
			return nil, fmt.Errorf("%s stands before gRPC listeners with different tls (%s): give each its own, as in %s/<name>",
				self, strings.Join(f.grpcs, ", "), self.Type())
		}
	}
	return f, nil
}

// inPipelines are the receivers that pipelines use.
func inPipelines(conf map[string]any) map[string]bool {
	used := map[string]bool{}
	service, _ := conf["service"].(map[string]any)
	pipelines, _ := service["pipelines"].(map[string]any)
	for _, p := range pipelines {
		pipeline, _ := p.(map[string]any)
		receivers, _ := pipeline["receivers"].([]any)
		for _, r := range receivers {
			used[fmt.Sprint(r)] = true
		}
	}
	return used
}

// walk looks at section, whose key is key, of the receiver called name.
func (f *Found) walk(name, kind string, section map[string]any, key string, self component.ID) {
	listener := kind == "otlp" && (key == "grpc" || key == "http")
	if endpoint, ok := section["endpoint"].(string); ok {
		f.names[Port(endpoint)] = name
		listener = listener || key == "grpc"
	} else if listener {
		f.names[Port(defaults[key])] = name
	}
	switch guarded := names(section["middlewares"], self); {
	case guarded && key == "grpc":
		f.tls, f.grpcs = append(f.tls, section["tls"]), append(f.grpcs, name)
	case guarded:
		if list, ok := section["compression_algorithms"].([]any); !ok || len(list) > 0 {
			f.Decompressing = append(f.Decompressing, name)
		}
		for field, root := range map[string]otlpprice.Root{
			"traces_url_path": otlpprice.Traces, "logs_url_path": otlpprice.Logs, "metrics_url_path": otlpprice.Metrics,
		} {
			if path, ok := section[field].(string); ok {
				f.Paths[path] = root
			}
		}
	case listener && !namesAny(section["middlewares"], self.Type()):
		f.Unguarded = append(f.Unguarded, name)
	}
	for _, k := range slices.Sorted(maps.Keys(section)) {
		v, ok := section[k].(map[string]any)
		isProtocol := key == "protocols" && section[k] == nil // "grpc:" with nothing behind it
		if !ok && !isProtocol {
			continue
		}
		child := name
		if key == "protocols" {
			child = name + "/" + k
		}
		f.walk(child, kind, v, k, self)
	}
}

func names(middlewares any, self component.ID) bool {
	list, _ := middlewares.([]any)
	for _, m := range list {
		if entry, ok := m.(map[string]any); ok && fmt.Sprint(entry["id"]) == self.String() {
			return true
		}
	}
	return false
}

func namesAny(middlewares any, kind component.Type) bool {
	list, _ := middlewares.([]any)
	for _, m := range list {
		if entry, ok := m.(map[string]any); ok {
			if name, _, _ := strings.Cut(fmt.Sprint(entry["id"]), "/"); name == kind.String() {
				return true
			}
		}
	}
	return false
}

// Names returns the names of all listeners.
func (f *Found) Names() []string { return slices.Sorted(maps.Values(f.names)) }

// NameOf returns the receiver that listens at a, or its port.
func (f *Found) NameOf(a net.Addr) string {
	port := Port(a.String())
	if name, ok := f.names[port]; ok {
		return name
	}
	return port
}

// Port is what an endpoint is known by: its port, or a Unix socket's path.
func Port(endpoint string) string {
	if _, port, err := net.SplitHostPort(endpoint); err == nil {
		return port
	}
	return endpoint
}

// Credentials returns the security the gRPC listeners have by their own configuration; nil: none.
func (f *Found) Credentials(ctx context.Context) (credentials.TransportCredentials, error) {
	if len(f.tls) == 0 {
		return nil, fmt.Errorf("a gRPC server asks for admission that the configuration does not name")
	}
	if f.tls[0] == nil {
		return nil, nil
	}
	section, ok := f.tls[0].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s::tls is no map", f.grpcs[0])
	}
	var cfg configtls.ServerConfig
	if err := confmap.NewFromStringMap(section).Unmarshal(&cfg); err != nil {
		return nil, fmt.Errorf("read %s::tls: %w", f.grpcs[0], err)
	}
	tls, err := cfg.LoadTLSConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("load %s::tls: %w", f.grpcs[0], err)
	}
	return credentials.NewTLS(tls), nil
}
