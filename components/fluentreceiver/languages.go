package fluentreceiver

// languages are those whose stack traces can be joined.
var languages = []string{"java", "python", "go", "node", "dotnet"}
