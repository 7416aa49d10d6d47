// Package attr names what the receiver writes.
package attr

// ibute keys that this receiver writes and others read.
const (
	ApplicationID  = "rum.application.id"
	SessionID      = "session.id"
	ViewID         = "rum.view.id"
	ViewName       = "rum.view.name"
	ViewURL        = "rum.view.url"
	ActionID       = "rum.action.id"
	ActionName     = "rum.action.name"
	ActionType     = "rum.action.type"
	ActionLink     = "rum.action.link"
	ActionRole     = "rum.action.role"
	ActionPrimary  = "rum.action.primary"
	ActionMissing  = "rum.action.incomplete"
	ResourceID     = "rum.resource.id"
	Late           = "rum.late"
	ReplayURL      = "session.replay.url"
	StackMinified  = "rum.exception.stacktrace_minified"
	ErrorType      = "error.type"
	RequestAborted = "rum.resource.aborted"
	StartUnknown   = "rum.start_unknown"
	ClockSkew      = "rum.clock_skew_ms"
	ClockSuspect   = "rum.clock_suspect"
	ViewPartial    = "rum.view.incomplete"
	UserID         = "user.id"
	TenantID       = "tenant.id"
	ClientAddress  = "client.address"
)

// The scope and the SDK that everything is written under.
const (
	ScopeName   = "github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver"
	SDKName     = "datadog-rum"
	ServiceName = "unknown_service" // of an application that names none
)

// MapVersion is the version of the table in package convert. OpenTelemetry's conventions for
// client telemetry are in development; a change of a name here is a change of
// the scope version users can filter by.
const MapVersion = "2"
