module coffeeshop.local/crds

go 1.26.5

require (
	github.com/dapr/dapr v1.18.2
	github.com/kedacore/keda/v2 v2.20.2
	github.com/spinkube/spin-operator v0.6.1
)
