// Package clustertest installs the chart with Helm 3 and Helm 4 on a real API
// server: etcd, kube-apiserver, the controllers and the scheduler as processes,
// and three nodes that kwok plays. Admission, rollouts, scaling, volumes,
// disruption budgets and Pod Security are Kubernetes' own. No container runs, so
// probes, DNS and the network are not covered.
//
// The programs are built by `make kube-tools-full`; a missing one fails the
// tests and names the command.
package clustertest
