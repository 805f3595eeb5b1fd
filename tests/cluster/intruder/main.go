// The small program of the cluster's own pods. "pause" does nothing until it is told to end, as a
// pod's first process; "call METHOD URL [HEADER:VALUE …]" prints "STATUS BODY", or "ERROR reason".
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 3 && os.Args[1] == "call" {
		fmt.Println(call(os.Args[2], os.Args[3], os.Args[4:]))
		return
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	signal.Ignore(syscall.SIGCHLD) // the kernel reaps the pod's orphans
	<-stop
}

func call(method, url string, headers []string) string {
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		return fmt.Sprint("ERROR ", err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ":")
		request.Header.Set(name, value)
	}
	client := &http.Client{Timeout: time.Second}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Sprint("ERROR ", err)
	}
	body, _ := io.ReadAll(answer.Body)
	return fmt.Sprint(answer.StatusCode, " ", strings.TrimSpace(string(body)))
}
