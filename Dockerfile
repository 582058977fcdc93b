# Built in two stages: the first has pip and compilers, the second only what runs.
FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY smtp_gate smtp_gate
RUN python3 -m venv /opt/smtp-gate && /opt/smtp-gate/bin/pip install --no-cache-dir '.[postgresql]'

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3 ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10025 --home-dir /var/lib/smtp-gate --create-home smtp-gate
COPY --from=build /opt/smtp-gate /opt/smtp-gate
COPY config.example.yaml /etc/smtp-gate/config.example.yaml
USER smtp-gate
VOLUME /var/lib/smtp-gate
# 10025 SMTP, 10024 LMTP, 8080 web, 9925 metrics
EXPOSE 10025 10024 8080 9925
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/smtp-gate/bin/smtp-gate"]
CMD ["serve", "--config", "/etc/smtp-gate/config.yaml"]
