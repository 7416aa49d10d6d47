package clustertest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	root  = "../../.."
	chart = root + "/deploy/helm/otelcol-obs"

	readyWithin = 60 * time.Second
	nodes       = 3
)

// cluster is a control plane that runs for one test.
type cluster struct {
	kubernetes.Interface
	config     *rest.Config
	kubeconfig string // of a cluster administrator
}

// start brings the control plane up and waits until its nodes are ready. When
// the test ends every process is killed: the API server would wait for open
// watches, and nothing of it is worth keeping.
func start(t *testing.T) *cluster {
	t.Helper()
	dir := t.TempDir()
	ports := freePorts(t, 4)
	etcd, etcdPeer := "http://"+ports[0], "http://"+ports[1]
	_, apiPort, _ := net.SplitHostPort(ports[2])

	writeKeys(t, dir)
	tokens := ""
	for _, user := range []string{"admin", "manager", "scheduler", "kwok"} {
		tokens += fmt.Sprintf("%s-token,%s,%s,system:masters\n", user, user, user)
		write(t, filepath.Join(dir, user+".conf"), fmt.Sprintf(kubeconfig, ports[2], user))
	}
	write(t, filepath.Join(dir, "tokens.csv"), tokens)
	write(t, filepath.Join(dir, "stages.yaml"), stages(t))

	run(t, dir, "etcd", "--data-dir=etcd", "--listen-client-urls="+etcd, "--advertise-client-urls="+etcd,
		"--listen-peer-urls="+etcdPeer, "--initial-advertise-peer-urls="+etcdPeer,
		"--initial-cluster=default="+etcdPeer, "--unsafe-no-fsync", "--log-level=warn")
	run(t, dir, "controlplane", "kube-apiserver", "--etcd-servers="+etcd, "--cert-dir=certs",
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port="+apiPort,
		"--endpoint-reconciler-type=none", "--token-auth-file=tokens.csv", "--authorization-mode=Node,RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=sa.pub", "--service-account-signing-key-file=sa.key",
		"--service-cluster-ip-range=10.96.0.0/16")

	c := &cluster{kubeconfig: filepath.Join(dir, "admin.conf")}
	c.config = &rest.Config{
		Host: "https://" + ports[2], BearerToken: "admin-token", QPS: 200, Burst: 400,
		TLSClientConfig: rest.TLSClientConfig{Insecure: true},
	}
	var err error
	c.Interface, err = kubernetes.NewForConfig(c.config)
	require.NoError(t, err)
	eventually(t, "the API server is ready", func(ctx context.Context) error {
		_, err := c.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err
	})

	run(t, dir, "controlplane", "kube-controller-manager", "--kubeconfig=manager.conf", "--secure-port=0",
		"--service-account-private-key-file=sa.key", "--leader-elect=false")
	run(t, dir, "controlplane", "kube-scheduler", "--kubeconfig=scheduler.conf", "--secure-port=0", "--leader-elect=false")
	run(t, dir, "kwok", "--kubeconfig=kwok.conf", "--manage-all-nodes=true", "--node-lease-duration-seconds=40",
		"--server-address="+ports[3], "--config=stages.yaml")
	c.addNodes(t)
	c.addStorageClass(t)
	return c
}

func (c *cluster) addNodes(t *testing.T) {
	t.Helper()
	capacity := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("8"), corev1.ResourceMemory: resource.MustParse("32Gi"), corev1.ResourcePods: resource.MustParse("110"),
	}
	for i := range nodes {
		name := fmt.Sprintf("node-%d", i)
		_, err := c.CoreV1().Nodes().Create(t.Context(), &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{
				Name:        name,
				Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"},
				Labels: map[string]string{
					"kubernetes.io/os": "linux", "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": fmt.Sprintf("zone-%d", i),
				},
			},
			Status: corev1.NodeStatus{Capacity: capacity, Allocatable: capacity},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	eventually(t, "the nodes are ready", func(ctx context.Context) error {
		list, err := c.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		ready := 0
		for _, node := range list.Items {
			for _, condition := range node.Status.Conditions {
				if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
					ready++
				}
			}
		}
		return want(nodes, ready)
	})
}

// cordon closes every node to new pods, or opens them again.
func (c *cluster) cordon(t *testing.T, closed bool) {
	t.Helper()
	for i := range nodes {
		_, err := c.CoreV1().Nodes().Patch(t.Context(), fmt.Sprintf("node-%d", i), types.MergePatchType,
			fmt.Appendf(nil, `{"spec":{"unschedulable":%t}}`, closed), metav1.PatchOptions{})
		require.NoError(t, err)
	}
}

func (c *cluster) addStorageClass(t *testing.T) {
	t.Helper()
	_, err := c.StorageV1().StorageClasses().Create(t.Context(), &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{
			Name: "kwok-volume", Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"},
		},
		Provisioner: "kwok.x-k8s.io/volume",
	}, metav1.CreateOptions{})
	require.NoError(t, err)
}

const kubeconfig = `apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "https://%s", insecure-skip-tls-verify: true}}]
users: [{name: test, user: {token: %s-token}}]
contexts: [{name: test, context: {cluster: test, user: test}}]
current-context: test
`

// stages is how kwok plays nodes, pods and volumes: its own files, as they are
// in the module.
func stages(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok").Output()
	require.NoError(t, err)
	var all []string
	for _, pattern := range []string{"node/fast", "node/heartbeat-with-lease", "pod/fast", "volume/fast"} {
		files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "kustomize/stage", pattern, "*.yaml"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			if name := filepath.Base(file); name == "kustomization.yaml" || name == "storage-class.yaml" {
				continue
			}
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			all = append(all, string(b))
		}
	}
	return strings.Join(all, "\n---\n")
}

// writeKeys writes the pair that signs service account tokens.
func writeKeys(t *testing.T, dir string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	write(t, filepath.Join(dir, "sa.key"), string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
	write(t, filepath.Join(dir, "sa.pub"), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})))
}

// run starts a program of `make kube-tools-full` in dir; it is killed at the end
// and its last lines are shown when the test failed.
func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	var log buffer
	cmd := exec.Command(tool(t, name), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &log, &log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s %s:\n%s", name, args[0], log.tail(3000))
		}
	})
}

func tool(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("KUBE_TOOLS")
	if dir == "" {
		dir = root + "/.cache/kube"
	}
	path, err := filepath.Abs(filepath.Join(dir, name))
	require.NoError(t, err)
	_, err = os.Stat(path)
	require.NoError(t, err, "make kube-tools-full makes it")
	return path
}

// freePorts asks the kernel for free ports. A socket that doesn't listen holds
// each, or it would go to the next connection that leaves this machine; a server
// that asks for it by its number, with SO_REUSEADDR, gets it.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	addrs := make([]string, n)
	for i := range addrs {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		require.NoError(t, err)
		syscall.CloseOnExec(fd)
		t.Cleanup(func() { _ = syscall.Close(fd) })
		require.NoError(t, syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
		require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
		bound, err := syscall.Getsockname(fd)
		require.NoError(t, err)
		addrs[i] = fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)
	}
	return addrs
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// eventually repeats check until it gives no error; the last one is reported.
func eventually(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), readyWithin)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var last error // what was missing, not that the time was up
	for {
		err := check(ctx)
		if err == nil {
			return
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			require.NoError(t, last, "within %s: %s", readyWithin, what)
		case <-tick.C:
		}
	}
}

func want[T comparable](want, got T) error {
	if want != got {
		return fmt.Errorf("want %v, got %v", want, got)
	}
	return nil
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) tail(n int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.b.String()
	return s[max(0, len(s)-n):]
}
