package otlpprice

// Root is the message a body is.
type Root uint8

// The requests of OTLP.
const (
	Traces Root = iota
	Logs
	Metrics
	Profiles
)

// kind is a message type of OTLP, or how a leaf is kept.
type kind uint8

const (
	none    kind = iota // not kept, or inside its parent's struct: free
	text                // string or bytes: copied
	fixed               // repeated fixed64 or double: as long on the heap, and once more while the slice grows
	varints             // repeated varint: 8 bytes for each byte at worst

	// Everything from here on is a message.
	tracesRequest
	logsRequest
	metricsRequest
	profilesRequest
	resourceSpans
	scopeSpans
	span
	event
	link
	status
	resource
	entityRef
	scope
	keyValue
	anyValue
	arrayValue
	kvList
	resourceLogs
	scopeLogs
	logRecord
	resourceMetrics
	scopeMetrics
	metric
	gauge
	sum
	histogram
	expHistogram
	summary
	numberPoint
	histogramPoint
	expHistogramPoint
	buckets
	summaryPoint
	quantile
	exemplar
	resourceProfiles
	scopeProfiles
	profile
	sample
	dictionary
	mapping
	location
	line
	function
	profileLink
	keyValueAndUnit
	stack
	kinds
)

var roots = [...]kind{Traces: tracesRequest, Logs: logsRequest, Metrics: metricsRequest, Profiles: profilesRequest}

// fields is the highest field number OTLP uses, but for deprecatedScopes.
const fields = 17

// deprecatedScopes is the number of the fields that instrumentation scopes had before OTLP 0.15. pdata still reads them.
const deprecatedScopes = 1000

// children is what each field of a message is.
var children = [kinds][fields]kind{
	tracesRequest:  {1: resourceSpans},
	logsRequest:    {1: resourceLogs},
	metricsRequest: {1: resourceMetrics},

	resourceSpans: {1: resource, 2: scopeSpans, 3: text},
	scopeSpans:    {1: scope, 2: span, 3: text},
	span:          {3: text, 5: text, 9: keyValue, 11: event, 13: link, 15: status},
	event:         {2: text, 3: keyValue},
	link:          {3: text, 4: keyValue},
	status:        {2: text},
	resource:      {1: keyValue, 3: entityRef},
	entityRef:     {1: text, 2: text, 3: text, 4: text},
	scope:         {1: text, 2: text, 3: keyValue},
	keyValue:      {1: text, 2: anyValue},
	anyValue:      {1: text, 5: arrayValue, 6: kvList, 7: text},
	arrayValue:    {1: anyValue},
	kvList:        {1: keyValue},

	resourceLogs: {1: resource, 2: scopeLogs, 3: text},
	scopeLogs:    {1: scope, 2: logRecord, 3: text},
	logRecord:    {3: text, 5: anyValue, 6: keyValue, 12: text},

	resourceMetrics:   {1: resource, 2: scopeMetrics, 3: text},
	scopeMetrics:      {1: scope, 2: metric, 3: text},
	metric:            {1: text, 2: text, 3: text, 5: gauge, 7: sum, 9: histogram, 10: expHistogram, 11: summary, 12: keyValue},
	gauge:             {1: numberPoint},
	sum:               {1: numberPoint},
	histogram:         {1: histogramPoint},
	expHistogram:      {1: expHistogramPoint},
	summary:           {1: summaryPoint},
	numberPoint:       {5: exemplar, 7: keyValue},
	histogramPoint:    {6: fixed, 7: fixed, 8: exemplar, 9: keyValue},
	expHistogramPoint: {1: keyValue, 8: buckets, 9: buckets, 11: exemplar},
	buckets:           {2: varints},
	summaryPoint:      {6: quantile, 7: keyValue},
	exemplar:          {7: keyValue},

	profilesRequest:  {1: resourceProfiles, 2: dictionary},
	resourceProfiles: {1: resource, 2: scopeProfiles, 3: text},
	scopeProfiles:    {1: scope, 2: profile, 3: text},
	profile:          {2: sample, 9: text, 10: text, 11: varints},
	sample:           {2: varints, 4: varints, 5: fixed},
	dictionary:       {1: mapping, 2: location, 3: function, 4: profileLink, 5: text, 6: keyValueAndUnit, 7: stack},
	mapping:          {5: varints},
	location:         {3: line, 4: varints},
	keyValueAndUnit:  {2: anyValue},
	stack:            {1: varints},
}

// price is the heap one element costs: itself, and its place in its parent's slice while that grows. TestPrices measures
// it on the pdata in go.mod and fails where an element keeps more.
var price = [kinds]int64{
	resourceSpans: 200, scopeSpans: 200, span: 320, event: 128, link: 128, resource: 0, entityRef: 160,
	keyValue: 128, anyValue: 56, arrayValue: 48, kvList: 48,
	resourceLogs: 200, scopeLogs: 200, logRecord: 272,
	resourceMetrics: 200, scopeMetrics: 200, metric: 192, gauge: 64, sum: 64, histogram: 64, expHistogram: 64, summary: 64,
	numberPoint: 176, histogramPoint: 288, expHistogramPoint: 368, summaryPoint: 160, quantile: 48, exemplar: 192,
	resourceProfiles: 200, scopeProfiles: 200, profile: 320, sample: 160, mapping: 112, location: 128, line: 64, function: 64,
	profileLink: 64, keyValueAndUnit: 96, stack: 64,
}

const (
	textPrice   = 40 // a string's header in a slice that grows, and what the allocator rounds up
	varintByte  = 20 // a byte of packed varints: 8 bytes, and 10 more while the slice grows
	numberPrice = 24 // one unpacked number of a repeated field

	// itemMax is the longest item Shallow takes without looking into it.
	itemMax = 1 << 10
)

// itemByte is, for what Shallow does not look into when it is small, the dearest byte that can stand in it: an empty KeyValue,
// Link, Event or Exemplar is two.
var itemByte = [kinds]int64{
	span: 64, logRecord: 64, summaryPoint: 64, sample: 64,
	numberPoint: 96, histogramPoint: 96, expHistogramPoint: 96,
}
