module coffeeshop.local/caddy

go 1.26.5

require github.com/caddyserver/caddy/v2 v2.11.9
