# The `nats` command line, 0.2 or newer; each message is acknowledged once it is shown.
ca="{{ca}}"
seed="{{seed}}"
domain="{{domain}}"
nats --server "{{url}}" ${ca:+--tlsca "$ca"} ${seed:+--nkey "$seed"} --inbox-prefix "{{inbox}}" \
  ${domain:+--js-domain "$domain"} consumer next "{{stream}}" "{{name}}" --count 100 --ack
