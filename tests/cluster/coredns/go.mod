module coffeeshop.local/coredns

go 1.26.5

require github.com/coredns/coredns v1.14.7
