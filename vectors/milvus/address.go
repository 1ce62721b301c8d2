package milvus

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/milvus-io/milvus-sdk-go/v2/entity"
)

// address is what a store's URL says.
type address struct {
	host     string // host:port
	tls      bool
	username string
	password string
	token    string
	database string
	alias    string
	index    entity.IndexType // "" to choose by the number of rows
}

const urlForm = "milvus://[user:password@]host[:port]/alias[?token=…&database=…&index=auto|flat|hnsw], or milvuss:// for TLS"

// aliasPattern is what Milvus allows, short enough that a run's id fits behind it.
var aliasPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,119}$`)

// parseAddress reads a store's URL. Its errors repeat nothing of it: in a URL that is wrong, a password may be anywhere.
func parseAddress(text string) (address, error) {
	bad := func(why string) (address, error) {
		return address{}, fmt.Errorf("the Milvus URL %s: it has the form %s; in a user's name, a password or a token, write "+
			"%% as %%25, / as %%2F, ? as %%3F, # as %%23, @ as %%40, : as %%3A, & as %%26", why, urlForm)
	}
	u, err := url.Parse(text)
	if err != nil { // which tells what could not be read
		return bad("cannot be read: behind the host's : is a port's number, behind a % are two hexadecimal digits, and spaces are written %20")
	}
	if u.Scheme != "milvus" && u.Scheme != "milvuss" {
		return bad("does not begin with milvus:// or milvuss://")
	}
	if strings.Contains(text, "#") {
		return bad("has a #, behind which nothing would be read")
	}
	if u.Hostname() == "" {
		return bad("has no host")
	}
	a := address{host: u.Host, tls: u.Scheme == "milvuss", alias: strings.TrimPrefix(u.Path, "/")}
	if u.Port() == "" {
		a.host = u.Hostname() + ":19530"
		if strings.Contains(u.Hostname(), ":") { // IPv6
			a.host = "[" + u.Hostname() + "]:19530"
		}
	}
	if !aliasPattern.MatchString(a.alias) {
		return bad("has an alias that is not 1 to 120 letters, digits and _, or begins with a digit")
	}
	if u.User != nil {
		a.username = u.User.Username()
		a.password, _ = u.User.Password()
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return bad("has parameters that cannot be read")
	}
	for key := range values {
		value := values.Get(key)
		switch key {
		case "token":
			a.token = value
		case "database":
			a.database = value
		case "index":
			switch value {
			case "auto":
			case "flat":
				a.index = entity.Flat
			case "hnsw":
				a.index = entity.HNSW
			default:
				return bad("asks for an index that is not auto, flat or hnsw")
			}
		default:
			return bad("has a parameter that is not token, database or index")
		}
	}
	return a, nil
}

// name is the address without what may change for the same store: credentials, TLS, the kind of index.
func (a address) name() string {
	name := "milvus://" + strings.ToLower(a.host) + "/" + a.alias
	if a.database != "" {
		name += "?database=" + url.QueryEscape(a.database)
	}
	return name
}
