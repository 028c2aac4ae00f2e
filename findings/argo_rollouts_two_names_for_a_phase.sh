#!/usr/bin/env bash
# Argo Rollouts 1.10.2, Go 1.26.10 (which its module asks for; Go fetches it).
#
# A Rollout has a phase in its status: Healthy, Progressing, Paused or Degraded. The metric rollout_info has a label
# `phase` too, with a vocabulary of its own: Completed, Progressing, Paused, Timeout, Error, Abort, InvalidSpec. It is derived
# from the conditions and not from the status. So an alert on rollout_info{phase="Degraded"}, which is what
# `kubectl get rollout` and Argo CD show of a rollout that was undone, never fires; nor does Healthy match anything.
#
# Seen:  status.phase Degraded, metric phase Abort
#        status.phase Healthy, metric phase Completed
# Source: controller/metrics/rollouts.go, calculatePhase(); pkg/apis/rollouts/v1alpha1/types.go, RolloutPhase
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
module=github.com/argoproj/argo-rollouts@v1.10.2
export GOTOOLCHAIN=go1.26.10 GOFLAGS=-mod=mod GOWORK=off
cd "$folder"
go mod download "$module"
# Within a copy, where the module's own replacements hold.
cp -rT --no-preserve=mode "$(go env GOMODCACHE)/$module" copy
mkdir copy/finding
cat >copy/finding/main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/tools/cache"

	"github.com/argoproj/argo-rollouts/controller/metrics"
	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	listers "github.com/argoproj/argo-rollouts/pkg/client/listers/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/utils/conditions"
)

// told returns the phase that the metric has for a Rollout with this phase and this reason in its condition Progressing.
func told(phase v1alpha1.RolloutPhase, reason string) string {
	rollout := &v1alpha1.Rollout{}
	rollout.Name, rollout.Namespace = "api", "here"
	rollout.Spec.Strategy.Canary = &v1alpha1.CanaryStrategy{}
	rollout.Status.Phase = phase
	rollout.Status.Conditions = []v1alpha1.RolloutCondition{{Type: v1alpha1.RolloutProgressing, Reason: reason}}
	known := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	if err := known.Add(rollout); err != nil {
		panic(err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.NewRolloutCollector(listers.NewRolloutLister(known)))
	families, err := registry.Gather()
	if err != nil {
		panic(err)
	}
	for _, family := range families {
		if family.GetName() != "rollout_info" {
			continue
		}
		for _, label := range family.GetMetric()[0].GetLabel() {
			if label.GetName() == "phase" {
				return label.GetValue()
			}
		}
	}
	return "none"
}

func main() {
	undone := told(v1alpha1.RolloutPhaseDegraded, conditions.RolloutAbortedReason)
	done := told(v1alpha1.RolloutPhaseHealthy, conditions.NewRSAvailableReason)
	fmt.Printf("status.phase Degraded, metric phase %s\nstatus.phase Healthy, metric phase %s\n", undone, done)
	if undone != "Abort" || done != "Completed" {
		os.Exit(1)
	}
}
GO
cd copy
go run -trimpath ./finding
