// Daprd as it is released, built with its stable components and one more: name resolution by a
// SQLite file, which finds the sidecars of one machine without multicast (a VPN or a firewall
// breaks that, and two stacks on one network would find each other's).
package main

import (
	"github.com/dapr/components-contrib/nameresolution/sqlite"
	"github.com/dapr/dapr/cmd/daprd/app"
	"github.com/dapr/dapr/pkg/components/nameresolution"
)

func main() {
	nameresolution.DefaultRegistry.RegisterComponent(sqlite.NewResolver, "sqlite")
	app.Run()
}
