// The Argo CD commands in one binary, as in its image: the name it is called by chooses the command. The web UI is not in
// the module: its sources are, but they need a package that is on GitHub alone.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	appcontroller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	gitaskpass "github.com/argoproj/argo-cd/v3/cmd/argocd-git-ask-pass/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	apiserver "github.com/argoproj/argo-cd/v3/cmd/argocd-server/commands"
	cli "github.com/argoproj/argo-cd/v3/cmd/argocd/commands"
)

func main() {
	commands := map[string]func() *cobra.Command{
		"argocd":                        cli.NewCommand,
		"argocd-server":                 apiserver.NewCommand,
		"argocd-application-controller": appcontroller.NewCommand,
		"argocd-repo-server":            reposerver.NewCommand,
		"argocd-git-ask-pass":           gitaskpass.NewCommand,
	}
	name := filepath.Base(os.Args[0])
	if commands[name] == nil {
		fmt.Fprintln(os.Stderr, "unknown command name:", name)
		os.Exit(2)
	}
	if err := commands[name]().Execute(); err != nil {
		os.Exit(1)
	}
}
