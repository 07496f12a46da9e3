// Google's own fake of Pub/Sub, which its clients are tested with, on a port of the loopback. It keeps everything in memory.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"cloud.google.com/go/pubsub/pstest"
)

func main() {
	port, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	// The service's own is 10 s: a test that kills a consumer would wait for it.
	pstest.SetMinAckDeadline(time.Second)
	server := pstest.NewServerWithPort(port)
	fmt.Println(server.Addr)
	select {}
}
