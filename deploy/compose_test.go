// Package deploy holds the plans by which Kleid is put on machines. It has tests alone: they load each plan as its
// tool does.
package deploy

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// secrets are what .env has to have.
var secrets = []string{"MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD", "GRAFANA_USER", "GRAFANA_PASSWORD"}

func loadCompose(t *testing.T, variables ...string) (*types.Project, error) {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../docker-compose.yml"}, cli.WithEnv(variables), cli.WithProfiles([]string{"*"}), cli.WithResolvedPaths(true))
	require.NoError(t, err)
	return options.LoadProject(context.Background())
}

func chosen() []string {
	var all []string
	for _, name := range secrets {
		all = append(all, name+"=chosen-"+strings.ToLower(name))
	}
	return all
}

func TestCompose(t *testing.T) {
	project, err := loadCompose(t, chosen()...)
	require.NoError(t, err)
	require.Contains(t, project.Services["searcher"].HealthCheck.Test, "http://127.0.0.1:9464", "where it is answered however many connections are taken")
	require.EqualValues(t, 70*time.Second, *project.Services["searcher"].StopGracePeriod, "as kleid serve says in its help")
	images := map[string]string{
		"etcd": "quay.io/coreos/etcd:v3.5.25", "minio": "milvusdb/minio:RELEASE.2024-12-18T13-15-44Z", "milvus": "milvusdb/milvus:v2.5.27",
	}
	pinned := regexp.MustCompile(`:(v?[0-9]+\.[0-9]+\.[0-9]+|RELEASE\.[0-9TZ-]+)$`)
	require.Subset(t, project.ServiceNames(), []string{"etcd", "minio", "milvus", "searcher", "index", "prometheus", "grafana"})
	for name, service := range project.Services {
		if image, ok := images[name]; ok {
			require.Equal(t, image, service.Image)
		}
		if service.Build == nil {
			require.Regexp(t, pinned, service.Image, "the image of %s is pinned", name)
		}
		for _, port := range service.Ports {
			require.Equal(t, "127.0.0.1", port.HostIP, "%s is for this machine alone", name)
		}
		if name != "index" { // which is a job
			require.NotNil(t, service.HealthCheck, "%s says whether it is well", name)
			require.False(t, service.HealthCheck.Disable)
			require.Equal(t, "unless-stopped", service.Restart)
		}
		for dependency, how := range service.DependsOn {
			require.Equal(t, types.ServiceConditionHealthy, how.Condition, "%s waits until %s is well", name, dependency)
		}
		for _, volume := range service.Volumes {
			if volume.Type != types.VolumeTypeBind || !strings.Contains(volume.Source, "deploy") {
				continue
			}
			require.DirExists(t, volume.Source)
			require.True(t, volume.ReadOnly)
		}
	}
}

// Without the secrets nothing starts, and none is in the file.
func TestComposeWantsSecrets(t *testing.T) {
	text, err := os.ReadFile("../docker-compose.yml")
	require.NoError(t, err)
	for _, line := range strings.Split(string(text), "\n") {
		if key, value, ok := strings.Cut(line, ":"); ok && regexp.MustCompile(`(?i)(password|secret|access_key|root_user|admin_user)`).MatchString(key) {
			require.Regexp(t, `^\$\{[A-Z_]+:\?[^}]+\}$`, strings.TrimSpace(value), line)
		}
	}
	example, err := os.ReadFile("env.example")
	require.NoError(t, err)
	for i, name := range secrets {
		require.Contains(t, string(example), name+"=\n", "the example leaves it to be chosen")
		some := chosen()
		_, err := loadCompose(t, append(some[:i:i], some[i+1:]...)...)
		require.ErrorContains(t, err, name)
	}
}

// The dashboards ask for metrics that there are.
func TestDashboards(t *testing.T) {
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	data, err := os.ReadFile("grafana/dashboards/kleid.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &dashboard))
	source, err := os.ReadFile("../searcher/metrics.go")
	require.NoError(t, err)
	names := regexp.MustCompile(`kleid_[a-z_]+`)
	require.NotEmpty(t, dashboard.Panels)
	for _, panel := range dashboard.Panels {
		require.NotEmpty(t, panel.Targets, panel.Title)
		for _, target := range panel.Targets {
			for _, name := range names.FindAllString(target.Expr, -1) {
				require.Contains(t, string(source), `"`+strings.TrimSuffix(name, "_bucket")+`"`, panel.Title)
			}
		}
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	data, err = os.ReadFile("prometheus/rules.yml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(data, &rules))
	for _, rule := range rules.Groups[0].Rules {
		require.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
		for _, name := range names.FindAllString(rule.Expr, -1) {
			require.Contains(t, string(source), `"`+name+`"`, rule.Alert)
		}
	}
	for _, pattern := range []string{"prometheus/*.yml", "grafana/provisioning/*/*.yml"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			var any map[string]any
			require.NoError(t, yaml.Unmarshal(data, &any), file)
		}
	}
}
