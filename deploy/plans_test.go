package deploy

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// check runs a program of the tests' Python environment on a plan.
func check(t *testing.T, program string, args ...string) {
	t.Helper()
	path := filepath.Join("..", ".venv", "bin", program)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is missing: run scripts/venv", program)
	}
	output, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	require.NoError(t, err, "%s", output)
}

func TestCloudFormation(t *testing.T) { check(t, "cfn-lint", "aws/kleid.yaml") }

func TestKubernetes(t *testing.T) {
	check(t, "kubernetes-validate", "--strict", "kubernetes/kleid.yaml")
}

// The checkers find what is wrong.
func TestCheckersFind(t *testing.T) {
	for program, plan := range map[string]struct{ file, right, wrong string }{
		"cfn-lint":            {"aws/kleid.yaml", "VersioningConfiguration: {Status: Enabled}", "VersioningConfiguration: {Status: Perhaps}"},
		"kubernetes-validate": {"kubernetes/kleid.yaml", "completions: 4", "completions: four"},
	} {
		path := filepath.Join("..", ".venv", "bin", program)
		if _, err := os.Stat(path); err != nil {
			t.Skipf("%s is missing: run scripts/venv", program)
		}
		text, err := os.ReadFile(plan.file)
		require.NoError(t, err)
		require.Contains(t, string(text), plan.right)
		file := filepath.Join(t.TempDir(), "plan.yaml")
		require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(text), plan.right, plan.wrong, 1)), 0o600))
		require.Error(t, exec.CommandContext(t.Context(), path, file).Run(), program)
	}
}

// All shards of a plan are of one number, and all machines of one user, without rights and without a writable root.
func TestPlansAgree(t *testing.T) {
	text, err := os.ReadFile("kubernetes/kleid.yaml")
	require.NoError(t, err)
	require.Contains(t, string(text), "completions: 4")
	require.Contains(t, string(text), "auto/4")
	require.Contains(t, string(text), `--shards, "4"`)
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	containers := 0
	for {
		var document map[string]any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		eachContainer(document, func(pod, container map[string]any) {
			containers++
			require.Equal(t, true, pod["securityContext"].(map[string]any)["runAsNonRoot"])
			context := container["securityContext"].(map[string]any)
			require.Equal(t, true, context["readOnlyRootFilesystem"])
			require.Equal(t, false, context["allowPrivilegeEscalation"])
			require.Contains(t, container["resources"].(map[string]any)["limits"], "memory")
			require.Regexp(t, `:[0-9]+\.[0-9]+\.[0-9]+$`, container["image"])
		})
	}
	require.Equal(t, 3, containers)
	require.Equal(t, 3, strings.Count(string(text), "mountPath: /tmp}"), "where the image keeps models of a registry")
	requireUploadsFit(t, string(text))
	require.Contains(t, string(text), "terminationGracePeriodSeconds: 70", "as kleid serve says in its help")
	require.Equal(t, 2, strings.Count(string(text), "port: metrics}, periodSeconds"), "probes are answered however many connections are taken")

	aws, err := os.ReadFile("aws/kleid.yaml")
	require.NoError(t, err)
	require.NotContains(t, string(aws), `Action: "*"`)
	require.Equal(t, strings.Count(string(aws), "ReadonlyRootFilesystem: true"), strings.Count(string(aws), "Value: /scratch/cache}, {Name: TMPDIR, Value: /scratch}"))
	for _, wanted := range []string{"SSEAlgorithm", "Status: Enabled", "BlockPublicPolicy: true", "Encrypted: true", "TransitEncryption: ENABLED", "HttpTokens: required"} {
		require.Contains(t, string(aws), wanted)
	}
}

// requireUploadsFit wants room for the largest uploads that all connections can send, for the two photos that are
// decoded at once (640 MiB each, photo.Limits.MaxMemory) and for the model, within nine tenths of the memory, beyond which kleid
// lets no garbage wait.
func requireUploadsFit(t *testing.T, text string) {
	t.Helper()
	found := regexp.MustCompile(`(?s)--max-connections, "(\d+)", --max-upload, "(\d+)", --embeds, "2".*?limits: \{memory: (\d+)Gi\}`).FindStringSubmatch(text)
	require.Len(t, found, 4)
	var n [3]int
	for i, digits := range found[1:] {
		var err error
		n[i], err = strconv.Atoi(digits)
		require.NoError(t, err)
	}
	require.LessOrEqual(t, (n[0]+2)*(n[1]+1)*2+2*640+200, n[2]*1024*9/10, "MiB")
}

// eachContainer finds the containers of pods, wherever they are in a document.
func eachContainer(value any, visit func(pod, container map[string]any)) {
	switch v := value.(type) {
	case map[string]any:
		if containers, ok := v["containers"].([]any); ok {
			for _, c := range containers {
				visit(v, c.(map[string]any))
			}
		}
		for _, inner := range v {
			eachContainer(inner, visit)
		}
	case []any:
		for _, inner := range v {
			eachContainer(inner, visit)
		}
	}
}
