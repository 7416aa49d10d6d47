package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheArchitectureNamesEverySharedPackage(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "docs/architecture.md"))
	require.NoError(t, err)
	for _, dir := range files(t, "internal/*") {
		require.Contains(t, string(text), "`internal/"+filepath.Base(dir)+"`")
	}
}

// A link to a file that was moved leads a reader nowhere.
func TestLinksInDocumentsLeadSomewhere(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	documents := append(files(t, "*.md"), files(t, "docs/*.md")...)
	documents = append(documents, files(t, "components/*/*.md")...)
	for _, document := range documents {
		text, err := os.ReadFile(document)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			_, err := os.Stat(filepath.Join(filepath.Dir(document), m[1]))
			require.NoError(t, err, "%s links to %s", document, m[1])
		}
	}
}

const migration = "docs/migrate-from-the-agent.md"

// What a reader copies instead of his datadog.yaml is laid over the files that its first line names.
func TestTheMigrationShowsAConfigurationThatWorks(t *testing.T) {
	environment(t)
	text, err := os.ReadFile(filepath.Join(root, migration))
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```").FindAllStringSubmatch(string(text), -1)
	require.Len(t, blocks, 1)
	first, _, _ := strings.Cut(blocks[0][1], "\n")
	names := regexp.MustCompile(`--config (\S+)`).FindAllStringSubmatch(first, -1)
	require.Len(t, names, 3, first)
	cfg, err := loaded(t, filepath.Join(root, names[0][1]), filepath.Join(root, names[1][1]), "yaml:"+blocks[0][1])
	require.NoError(t, err)
	completesOnce(t, cfg)
}

// A variable that is said to be read as before is read by a shipped configuration.
func TestVariablesThatTheMigrationKeepsAreRead(t *testing.T) {
	t.Parallel()
	var read strings.Builder
	for _, config := range append(files(t, "config/*.yaml"), files(t, "config/export/*.yaml")...) {
		raw, err := os.ReadFile(config)
		require.NoError(t, err)
		read.Write(raw)
	}
	text, err := os.ReadFile(filepath.Join(root, migration))
	require.NoError(t, err)
	kept := regexp.MustCompile(`(?m)^\| [^|]* \| ([^|]*) \| same variable`).FindAllStringSubmatch(string(text), -1)
	require.NotEmpty(t, kept)
	for _, row := range kept {
		for _, name := range regexp.MustCompile(`DD_[A-Z_]+`).FindAllString(row[1], -1) {
			require.Regexp(t, `:`+name+`[:}]`, read.String())
		}
	}
}
