package retrypolicy

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestAFullQuarantineMakesRequestsWait(t *testing.T) {
	k := newKit(t, func(c *Config) { c.Quarantine.MaxBytes = minQuarantineBytes })
	b := &backend{status: func(int, []string) int { return 400 }}
	exp := overHTTP(t, k, b, nil)
	big := someLogs(1)
	big.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().SetStr(strings.Repeat("x", minQuarantineBytes/2))
	require.NoError(t, exp.ConsumeLogs(t.Context(), big))
	err := exp.ConsumeLogs(t.Context(), big)
	require.ErrorContains(t, err, "quarantine is full")
	require.False(t, consumererror.IsPermanent(err))
	require.Len(t, k.files(t), 1)
	require.EqualValues(t, 1, k.metric(t, "quarantine_refusals", "signal=logs"))

	require.NoError(t, os.Remove(k.files(t)[0]), "an operator replayed it")
	require.NoError(t, k.quarantine.sweep(false))
	require.NoError(t, exp.ConsumeLogs(t.Context(), big))
}

func TestAQuarantineThatCantBeWrittenMakesRequestsWait(t *testing.T) {
	k := newKit(t)
	b := &backend{status: func(int, []string) int { return 400 }}
	exp := overHTTP(t, k, b, nil)
	require.NoError(t, os.RemoveAll(k.dir))
	err := exp.ConsumeLogs(t.Context(), someLogs(1))
	require.Error(t, err)
	require.False(t, consumererror.IsPermanent(err))
	bytes, files := k.quarantine.size()
	require.Zero(t, bytes)
	require.Zero(t, files)
}

func TestQuarantineCountsWhatItFindsAndRemovesWhatIsOld(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, age time.Duration) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, make([]byte, 100), 0o600))
		when := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(path, when, when))
	}
	write("young.logs.pb", time.Hour)
	write("old.logs.pb", 31*24*time.Hour)
	write("half.logs.pb"+unfinished, time.Hour)
	k := newKit(t, func(c *Config) { c.Quarantine.Directory = dir })
	require.EqualValues(t, 100, k.metric(t, "quarantine_bytes"))
	require.EqualValues(t, 1, k.metric(t, "quarantine_files"))
	require.EqualValues(t, 1, k.metric(t, "quarantine_expired"))
	require.Equal(t, []string{filepath.Join(dir, "young.logs.pb")}, k.files(t))
}

func TestAQuarantineWithoutAnAgeKeepsFilesForEver(t *testing.T) {
	k := newKit(t, func(c *Config) { c.Quarantine.MaxAge = 0 })
	require.NoError(t, k.quarantine.store(request{logs, protobuf, []byte("x")}, "refused"))
	k.quarantine.now = func() time.Time { return time.Now().Add(100 * 365 * 24 * time.Hour) }
	require.NoError(t, k.quarantine.sweep(false))
	require.Len(t, k.files(t), 1)
}

func TestTheNameTellsTheContentType(t *testing.T) {
	for contentType, suffix := range map[string]string{
		protobuf: "pb", "application/json; charset=utf-8": "json", "": "bin", "application/x-thrift": "application%2Fx-thrift",
		"../../etc/passwd": "..%2F..%2Fetc%2Fpasswd", "application/x-protobuf.br": "application%2Fx-protobuf.br",
	} {
		require.Equal(t, suffix, typeSuffix(contentType), contentType)
	}
}

func TestAQuarantineDirectoryThatCantBeMadeStopsTheStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	q := newQuarantine(QuarantineConfig{Directory: filepath.Join(file, "below"), MaxBytes: 1}, zap.NewNop())
	require.ErrorContains(t, q.start(), "create quarantine directory")
	require.Error(t, errors.Join(q.sweep(true)))
}

var errInvalid = status.Error(codes.InvalidArgument, "no")

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}
