#!/bin/sh
# A recogniser in ten lines of shell: five fingers are stamp 20406. Run it with [dut] kind = "process".
while read -r line; do
  case $line in
    *'"begin"'*) most=0 ;;
    *'"end"'*) [ "$most" -ge 5 ] && echo '{"code": 20406}' || echo "{\"code\": null, \"why\": \"$most fingers\"}" ;;
    *) fingers=$(printf '%s' "$line" | grep -o '"id"' | wc -l)
       [ "$fingers" -gt "$most" ] && most=$fingers ;;
  esac
done
