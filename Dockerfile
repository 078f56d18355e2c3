# RingRift with Airflow: one image for every service of docker-compose.yaml. Versions are those of constraints.txt.
FROM python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d

RUN apt-get update \
    && apt-get install --yes --no-install-recommends curl procps rsync openssh-client util-linux \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 50000 ringrift

WORKDIR /opt/ringrift
COPY pyproject.toml constraints.txt README.md ./
COPY ringrift ringrift
COPY plugins plugins
RUN pip install --no-cache-dir --constraint constraints.txt --editable '.[airflow,learn,postgresql,web]'
COPY dags dags
COPY include include

# /srv/ringrift holds data/ and models/: the same volume for all services.
ENV AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/ringrift/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/ringrift/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    RINGRIFT_HOME=/srv/ringrift
# A volume is owned as the folder that it is mounted on.
RUN mkdir -p /opt/airflow/logs /srv/ringrift /home/ringrift/.ssh \
    && chown -R ringrift /opt/airflow /srv/ringrift /home/ringrift /opt/ringrift
USER ringrift
WORKDIR /srv/ringrift
RUN ringrift game compile

ENTRYPOINT ["airflow"]
CMD ["version"]
