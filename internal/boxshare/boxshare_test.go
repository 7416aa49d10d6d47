package boxshare_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/internal/boxshare"
	"github.com/otelcol-obs/otelcol-obs/internal/boxshare/boxsharetest"
)

func TestNothingIsSharedWhenPdataPools(t *testing.T) {
	require.True(t, boxshare.Safe(), "the gate is known and off")
	boxsharetest.SetPooling(t, true)
	require.False(t, boxshare.Safe())
}
